"""The process's caches: what is asked for again and again, and changes seldom (docs/resilience.md)."""

from functools import cache

from khronos.bus.connection import quick
from khronos.resilience.cache import Cache, CachePolicy, Caches, RedisStore

# In process memory alone: rows of the database are read anew after an invalidation, or a minute.
CHANNELS = CachePolicy("channels", shared_s=0, nothing_s=2.0)


@cache
def caches() -> Caches:
    return Caches(RedisStore(quick()))


@cache
def channels() -> Cache:
    """By slug."""
    return caches().add(CHANNELS)
