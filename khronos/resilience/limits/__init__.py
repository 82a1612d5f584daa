"""Rate limits across processes: a caller asks and is told to go or when to come back. See ADR 10.

limiter = Limiter(RedisStore(client))  # one for the process
claims = [Claim("telegram:chat:7:99", Spacing(1000)), Claim("telegram:bot:7", Spacing(35), shared=True)]
verdict = limiter.ask(token, claims)  # granted, or come back in verdict.wait_s with the same token
"""

from khronos.resilience.limits.limiter import Limiter
from khronos.resilience.limits.memory_store import MemoryStore
from khronos.resilience.limits.policy import Claim, Count, Seats, Spacing, Usage, Verdict, Window, terms
from khronos.resilience.limits.redis_store import RedisStore

__all__ = [
    "Claim",
    "Count",
    "Limiter",
    "MemoryStore",
    "RedisStore",
    "Seats",
    "Spacing",
    "Usage",
    "Verdict",
    "Window",
    "terms",
]
