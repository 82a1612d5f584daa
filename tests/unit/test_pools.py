"""How full connection pools are, before anything is connected and as psycopg_pool tells it."""

import redis

from khronos.resilience.pools import PoolStats, of_psycopg, of_redis


def test_untouched_redis_pool_is_empty_and_knows_its_bound() -> None:
    pool = redis.ConnectionPool(max_connections=7)
    assert of_redis(pool) == PoolStats(created=0, in_use=0, available=0, most=7)


def test_psycopg_pool_tells_who_waits() -> None:
    stats = {"pool_min": 2, "pool_max": 10, "pool_size": 10, "pool_available": 0, "requests_waiting": 3}
    assert of_psycopg(stats) == PoolStats(created=10, in_use=10, available=0, most=10, waiting=3)


def test_psycopg_pool_with_idle_connections_has_nobody_waiting() -> None:
    stats = {"pool_min": 2, "pool_max": 10, "pool_size": 4, "pool_available": 3}
    assert of_psycopg(stats) == PoolStats(created=4, in_use=1, available=3, most=10, waiting=0)
