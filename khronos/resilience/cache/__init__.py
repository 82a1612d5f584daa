"""A cache in three layers: process memory, a store that processes share, computing. See ADR 11.

caches = Caches(RedisStore(client))  # one for the process
channels = caches.add(CachePolicy("channels"))
channel = channels.get("channel:7", load)  # a shared object: not to be changed
channels.invalidate("channel:*")
"""

from khronos.resilience.cache.caches import Cache, Caches
from khronos.resilience.cache.memory_store import MemoryStore
from khronos.resilience.cache.policy import CachePolicy, LinkPolicy
from khronos.resilience.cache.redis_store import RedisStore
from khronos.resilience.cache.store import StoreAway
from khronos.resilience.cache.tally import CacheStats

__all__ = [
    "Cache",
    "CachePolicy",
    "CacheStats",
    "Caches",
    "LinkPolicy",
    "MemoryStore",
    "RedisStore",
    "StoreAway",
]
