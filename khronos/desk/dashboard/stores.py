"""What Valkey knows: breakers, limits, how long the queues are, who is alive."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings

from khronos.bus.connection import quick
from khronos.guards.breakers import breaker
from khronos.guards.limits import limiter
from khronos.observability import heartbeat

ROLES = ("agent", "worker", "dispatcher", "beat", "poller")


def look(breakers: Sequence[str], limits: Sequence[str]) -> dict[str, Any]:
    """The names come from the database, as it last told them."""
    memory: Any = quick().info("memory")  # raises where it is away: then nothing else is asked
    return {
        "breakers": [asdict(breaker(name).snapshot()) for name in breakers],
        "limits": [asdict(usage) for usage in limiter().snapshot(list(limits))],
        "queues": queues(),
        "bus": bus(),
        "alive": {role: heartbeat.alive(role) for role in ROLES},
        "memory_bytes": int(memory["used_memory"]),
    }


def queues() -> dict[str, int]:
    """Rings that wait for a worker; with another broker nothing is known here."""
    if settings.CELERY_BROKER_URL != settings.REDIS_URL:
        return {}
    pipeline = quick().pipeline(transaction=False)
    names = [queue.name for queue in settings.CELERY_TASK_QUEUES]
    for name in names:
        pipeline.llen(name)
    return dict(zip(names, pipeline.execute(), strict=True))


def bus() -> dict[str, int]:
    """Entries that the dispatchers have not read, or not done with."""
    if not quick().exists(heartbeat.BUS):
        return {}
    groups: Any = quick().xinfo_groups(heartbeat.BUS)
    mine = next((group for group in groups if group["name"].decode() == heartbeat.READERS), None)
    return {"unread": mine["lag"] or 0, "in_hand": mine["pending"]} if mine else {}
