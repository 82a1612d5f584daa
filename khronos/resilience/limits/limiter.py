"""Asks before an outside call: "go", or "come back in so many seconds". Nobody sleeps here.

Fails open: while the store is away everything is granted, and its timeout is paid about once a second.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from khronos.resilience.limits.policy import Claim, Count, Seats, Usage, Verdict, Window
from khronos.resilience.limits.store import Store

log = logging.getLogger(__name__)

REST_S = 1.0  # how long a store that failed is left alone
SLOW_S = 0.25  # an answer that took longer is taken, and the store left alone as well

UNCHECKED = Verdict(granted=True, checked=False)


class Limiter:
    """One for the process: its threads find out together that the store is away."""

    def __init__(
        self,
        store: Store,
        rest_s: float = REST_S,
        slow_s: float = SLOW_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._rest_s, self._slow_s, self._clock = store, rest_s, slow_s, clock
        self._lock = threading.Lock()
        self._is_away = False
        self._ask_again_at = 0.0

    def ask(self, token: str, claims: Sequence[Claim]) -> Verdict:
        refuse_nonsense(claims)
        verdict = self._attempt(lambda: self._store.ask(token, claims), UNCHECKED)
        if verdict.full:  # who is in no line must not come back with everybody else who is not
            return replace(verdict, wait_s=verdict.wait_s * random.uniform(0.5, 1.0))  # noqa: S311
        return verdict

    def release(self, token: str) -> list[str]:
        """The tokens that may come now: wake them."""
        return self._attempt(lambda: self._store.release(token), [])

    def extend(self, token: str) -> bool:
        return self._attempt(lambda: self._store.extend(token), True)

    def pause(self, name: str, seconds: float) -> None:
        self._attempt(lambda: self._store.pause(name, seconds), None)

    def learn(self, name: str, limit: int, for_s: float) -> None:
        self._attempt(lambda: self._store.learn(name, max(1, limit), for_s), None)

    def hit(self, name: str, window: Window) -> Count:
        return self._attempt(lambda: self._store.hit(name, window), Count(within=True))

    def snapshot(self, names: Sequence[str]) -> list[Usage]:
        """Empty while the store is away."""
        return self._attempt(lambda: self._store.snapshot(names), [])

    @property
    def is_away(self) -> bool:
        return self._is_away

    def _attempt[T](self, question: Callable[[], T], otherwise: T) -> T:
        if self._is_away and not self._may_try():
            return otherwise
        began = self._clock()
        try:
            answer = question()
        except Exception as error:
            self._leave_alone(error)
            return otherwise
        if self._clock() - began > self._slow_s:
            self._leave_alone(None)
        else:
            self._is_away = False
        return answer

    def _may_try(self) -> bool:
        """One thread a second sees whether it is back; the others do not wait for the outcome."""
        with self._lock:
            now = self._clock()
            if now < self._ask_again_at:
                return False
            self._ask_again_at = now + self._rest_s
            return True

    def _leave_alone(self, error: Exception | None) -> None:
        with self._lock:
            self._ask_again_at = self._clock() + self._rest_s
            was_away, self._is_away = self._is_away, True
        if not was_away:
            log.warning(
                "limits: the store %s, all is granted", "failed" if error else "is slow", exc_info=error
            )


def refuse_nonsense(claims: Sequence[Claim]) -> None:
    if sum(isinstance(claim.policy, Seats) for claim in claims) > 1:
        raise ValueError("who holds one seat and waits for another blocks both: claim one")
    if len({claim.name for claim in claims}) < len(claims):
        raise ValueError("a budget has one policy: name each claim differently")
