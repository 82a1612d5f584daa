"""A limiter on the twin in memory or on a real Valkey, both on a clock that only the test moves."""

import heapq
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

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

    @classmethod
    def on(cls, kind: str, connect: Callable[[], "redis.Redis"]) -> "Stage":
        clock = Clock()
        store = MemoryStore(clock) if kind == "memory" else RedisStore(connect(), clock=clock)
        return cls(clock, Limiter(store, slow_s=60), clock.micros)

    def ask(self, token: str, *claims: Claim) -> Verdict:
        self.asks += 1
        verdict = self.limiter.ask(token, claims)
        assert not self.limiter.is_away
        return verdict

    def run(
        self, arrivals: Mapping[str, tuple[float, Sequence[Claim]]], late: Iterable[int] = ()
    ) -> list[tuple[str, float]]:
        """Everybody asks at his time, and again when told, or so many microseconds late.

        Answers who was granted, and when.
        """
        lateness = iter(late)
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
                again = self.clock.micros + round(verdict.wait_s * 1_000_000) + next(lateness, 0)
                heapq.heappush(agenda, (again, number, token))
        return granted


def bring_through(url: str, tokens: Sequence[str], claims: Sequence[Claim], threads: int) -> list[str]:
    """A process of its own: its threads ask for one token after another, and sleep as they are told.

    Answers a token for each question that was asked.
    """
    with redis.Redis.from_url(url, socket_timeout=5) as client, ThreadPoolExecutor(threads) as pool:
        limiter = Limiter(RedisStore(client), slow_s=60)
        return [
            asked for each in pool.map(lambda token: insist(limiter, token, claims), tokens) for asked in each
        ]


def insist(limiter: Limiter, token: str, claims: Sequence[Claim]) -> list[str]:
    asked = [token]
    while not (verdict := limiter.ask(token, claims)).granted:
        time.sleep(verdict.wait_s)
        asked.append(token)
    assert not limiter.is_away
    return asked
