"""Who could do the work, and what is left alone: asked of Valkey, and only where a message waits."""

import redis
from django.conf import settings

from khronos.guards.breakers import breaker, kind_of
from khronos.observability import heartbeat
from khronos.resilience.breakers import Snapshot


def alive(role: str) -> int | None:
    """How many; None when Valkey does not answer, so that nobody knows."""
    try:
        return heartbeat.alive(role)
    except redis.RedisError:
        return None


def opened(name: str) -> Snapshot | None:
    """The breaker of this service, when it keeps calls from it."""
    if kind_of(name) not in settings.BREAKERS:
        return None
    shown = breaker(name).snapshot()
    return shown if shown.state != "closed" and not shown.store_is_away else None
