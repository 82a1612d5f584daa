"""Circuit breakers that all processes share: `with breaker:` around a call (docs/adr/0009-breakers.md)."""

from khronos.resilience.breakers.breaker import Breaker
from khronos.resilience.breakers.memory import MemoryStore
from khronos.resilience.breakers.policy import BreakerPolicy, State
from khronos.resilience.breakers.redis_store import RedisStore
from khronos.resilience.breakers.told import Change, Open, Snapshot

__all__ = [
    "Breaker",
    "BreakerPolicy",
    "Change",
    "MemoryStore",
    "Open",
    "RedisStore",
    "Snapshot",
    "State",
]
