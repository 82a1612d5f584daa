"""Updates that came again after they were stored: how often, and under which trace. Redis alone knows it.

It is asked for by whoever wonders about a trace that left no row. A flush forgets it, and nothing else.
"""

import time
from collections.abc import Sequence

import redis

from khronos.bus.connection import quick
from khronos.intake import bell
from khronos.intake.arrival import Arrival, marker_of
from khronos.models import Update
from khronos.observability import metrics

KEPT_S = 24 * 3600  # Telegram tries for a day


def count(arrivals: Sequence[Arrival]) -> None:
    if not arrivals:
        return
    metrics.REDELIVERIES.inc(len(arrivals))
    if time.monotonic() < bell.resting.get("until", 0.0):
        return
    batch = quick().pipeline(transaction=False)
    for arrival in arrivals:
        batch.incr(f"repeats:{arrival.marker}")
        batch.expire(f"repeats:{arrival.marker}", KEPT_S)
        for id_ in filter(None, arrival.ids.values()):
            batch.set(f"repeat:{id_}", f"{arrival.channel.pk} {arrival.key}", ex=KEPT_S)
    try:
        batch.execute()
    except redis.RedisError as error:
        bell.rest(error)


def times(update: Update) -> int | None:
    """How often this one came again; None where Redis does not say."""
    try:
        return int(quick().get(f"repeats:{marker_of(update.channel, update.key)}") or 0)
    except redis.RedisError:
        return None


def original(id_: str) -> Update | None:
    """What was stored long before somebody sent it again under this trace or correlation."""
    try:
        found: bytes | None = quick().get(f"repeat:{id_}")  # type: ignore[assignment]
    except redis.RedisError:
        return None
    if not found:
        return None
    channel, _space, key = found.decode().partition(" ")
    return Update.objects.filter(channel=int(channel), key=key).select_related("channel").defer("raw").first()
