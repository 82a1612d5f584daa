"""The limits' twin in memory, for one process: while the store is away, and for tests."""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from khronos.resilience.limits.memory_ask import Asking
from khronos.resilience.limits.memory_budget import Budget
from khronos.resilience.limits.policy import MICRO, Claim, Count, Usage, Verdict, Window, terms


class MemoryStore:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._budgets: dict[str, Budget] = {}
        self._seats_of: dict[str, dict[str, int]] = {}  # token -> budget -> taken at

    def ask(self, token: str, claims: Sequence[Claim]) -> Verdict:
        with self._lock:
            now = self._now()
            for claim in claims:
                kind, limit, period = terms(claim.policy)
                self._budget(claim.name).describe(kind, limit, period)
            verdict = Asking(token, claims, self._budgets, now).verdict()
            for claim in claims if verdict.granted else ():
                if self._budgets[claim.name].kind == "seats":
                    self._seats_of.setdefault(token, {})[claim.name] = now
            return verdict

    def release(self, token: str) -> list[str]:
        with self._lock:
            now = self._now()
            woken: list[str] = []
            for name, taken in self._seats_of.pop(token, {}).items():
                woken += self._budgets[name].vacate(token, now - taken, now)
            return woken

    def pause(self, name: str, seconds: float) -> None:
        with self._lock:
            now = self._now()
            self._budget(name).pause(now + round(seconds * MICRO), now)

    def learn(self, name: str, limit: int, for_s: float) -> None:
        with self._lock:
            self._budget(name).learned = (limit, self._now() + round(for_s * MICRO))

    def hit(self, name: str, window: Window) -> Count:
        with self._lock:
            budget, now = self._budget(name), self._now()
            budget.describe(*terms(window))
            return budget.hit(now)

    def snapshot(self, names: Sequence[str]) -> list[Usage]:
        with self._lock:
            usage = partial(Budget.usage, now=self._now())
            return [usage(self._budgets.get(name, Budget()), name) for name in names]

    def _budget(self, name: str) -> Budget:
        return self._budgets.setdefault(name, Budget())

    def _now(self) -> int:
        return round(self._clock() * MICRO)
