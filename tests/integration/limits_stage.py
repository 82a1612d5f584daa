"""A limiter on the twin in memory or on a real Valkey, both on a clock that only the test moves."""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import redis

from khronos.resilience.limits import Claim, Limiter, MemoryStore, RedisStore, Verdict

STORES = ["memory", "redis"]


@dataclass
class Clock:
    """Whole microseconds inside, so that sums are exact."""

    micros: int = 1_800_000_000_000_000

    def __call__(self) -> float:
        return self.micros / 1_000_000

    def advance(self, seconds: float) -> None:
        self.micros += round(seconds * 1_000_000)


@dataclass
class Stage:
    clock: Clock
    limiter: Limiter
    began: int = 0
    asks: int = 0
    outcomes: list[Verdict] = field(default_factory=list)

    @classmethod
    def on(cls, kind: str, connect: Callable[[], "redis.Redis"]) -> "Stage":
        clock = Clock()
        store = MemoryStore(clock) if kind == "memory" else RedisStore(connect(), clock=clock)
        return cls(clock, Limiter(store, slow_s=60), clock.micros)

    def ask(self, token: str, *claims: Claim) -> Verdict:
        self.asks += 1
        verdict = self.limiter.ask(token, claims)
        assert verdict.checked
        return verdict

    def run(self, arrivals: Mapping[str, tuple[float, Sequence[Claim]]]) -> list[tuple[str, float]]:
        """Everybody asks at his time, and again exactly when told. Answers who was granted, and when."""
        agenda = [
            (self.began + round(at * 1_000_000), number, token)
            for number, (token, (at, _)) in enumerate(arrivals.items())
        ]
        heapq.heapify(agenda)
        granted = []
        while agenda:
            self.clock.micros, number, token = heapq.heappop(agenda)
            verdict = self.ask(token, *arrivals[token][1])
            if verdict.granted:
                granted.append((token, (self.clock.micros - self.began) / 1_000_000))
            else:
                again = self.clock.micros + round(verdict.wait_s * 1_000_000)
                heapq.heappush(agenda, (again, number, token))
        return granted
