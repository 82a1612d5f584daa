"""What Valkey and the broker know: breakers, limits, how long the queues are, who is alive."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings

from khronos.bus import doorbell
from khronos.bus.connection import quick
from khronos.facts.bus import lag_of
from khronos.guards.breakers import breaker
from khronos.guards.limits import usages_of
from khronos.observability import canaries, heartbeat

ROLES = ("agent", "worker", "dispatcher", "beat", "poller")


def look(breakers: Sequence[str], limits: Mapping[str, tuple[str, int]]) -> dict[str, Any]:
    """The names come from the database, as it last told them; a limit is shown under one of its own."""
    memory: Any = quick().info("memory")  # raises where it is away: then nothing else is asked
    return {
        "breakers": [asdict(breaker(name).snapshot()) for name in breakers],
        "limits": [
            asdict(usage) | {"name": limits[usage.name][0]}
            for usage in usages_of({name: limit for name, (_, limit) in limits.items()})
        ],
        "queues": queues(),
        "bus": lag_of(canaries.BUS),
        "alive": {role: heartbeat.alive(role) for role in ROLES},
        "memory_bytes": int(memory["used_memory"]),
    }


def queues() -> dict[str, int]:
    """Rings that wait for a worker."""
    names = [queue.name for queue in settings.CELERY_TASK_QUEUES]
    if settings.CELERY_BROKER_URL != settings.REDIS_URL:
        return {name: doorbell.waiting_in(name) for name in names}
    pipeline = quick().pipeline(transaction=False)
    for name in names:
        pipeline.llen(name)
    return dict(zip(names, pipeline.execute(), strict=True))
