"""Redis connections, bounded in number and in time."""

from functools import cache

import redis
from django.conf import settings

QUICK_S = 0.25  # what a request may wait for the doorbell
PATIENT_S = 5.0


@cache
def quick() -> "redis.Redis":
    """For the request path: a broker that hesitates is left alone."""
    return connect(QUICK_S)


@cache
def patient() -> "redis.Redis":
    return connect(PATIENT_S)


def connect(timeout_s: float, url: str = "") -> "redis.Redis":
    return redis.Redis.from_url(
        url or settings.REDIS_URL,
        socket_timeout=timeout_s,
        socket_connect_timeout=min(timeout_s, 2.0),
        socket_keepalive=True,
        max_connections=256,
        retry=None,
        health_check_interval=0,
        protocol=2,
    )
