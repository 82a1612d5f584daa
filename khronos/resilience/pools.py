"""How full the connection pools of this process are. The pools come from outside, whatever made them."""

from collections.abc import Mapping
from dataclasses import dataclass

import redis


@dataclass(frozen=True)
class PoolStats:
    created: int  # connections that are there, in use or not
    in_use: int
    available: int  # idle ones; more are made until `most`
    most: int
    waiting: int = 0  # callers without a connection


def of_redis(pool: redis.ConnectionPool) -> PoolStats:
    """A caller that finds the pool exhausted does not wait, or is not counted: `waiting` is always 0."""
    (available, _), (in_use, _) = pool.get_connection_count()
    return PoolStats(available + in_use, in_use, available, pool.max_connections)


def of_psycopg(stats: Mapping[str, int]) -> PoolStats:
    """From psycopg_pool's `get_stats()`, where a number that was never counted is missing."""
    created, available = stats["pool_size"], stats["pool_available"]
    return PoolStats(
        created=created,
        in_use=created - available,
        available=available,
        most=stats["pool_max"],
        waiting=stats.get("requests_waiting", 0),
    )
