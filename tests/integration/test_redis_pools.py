"""How full a pool of real connections is."""

import contextlib

import pytest
import redis

from khronos.resilience.pools import PoolStats, of_redis


@pytest.mark.parametrize("kind", [redis.ConnectionPool, redis.BlockingConnectionPool])
def test_pool_tells_what_is_in_use_and_what_is_idle(valkey: str, kind: type[redis.ConnectionPool]) -> None:
    with contextlib.closing(kind.from_url(valkey, max_connections=2)) as pool:
        first, second = pool.get_connection(), pool.get_connection()
        assert of_redis(pool) == PoolStats(created=2, in_use=2, available=0, most=2)
        pool.release(first)
        assert of_redis(pool) == PoolStats(created=2, in_use=1, available=1, most=2)
        pool.release(second)
        assert of_redis(pool) == PoolStats(created=2, in_use=0, available=2, most=2)
