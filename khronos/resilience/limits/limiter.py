"""Asks before an outside call: "go", or "come back in so many seconds". Nobody sleeps here.

While the store is away the process keeps the limits alone, and pays the timeout about once a second.
"""

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from khronos.resilience.limits.memory_store import MemoryStore
from khronos.resilience.limits.policy import Claim, Count, Seats, Usage, Verdict, Window
from khronos.resilience.limits.store import Store
from khronos.resilience.rest import REST_S, Rest

log = logging.getLogger(__name__)

SLOW_S = 0.25  # an answer that took longer is taken, and the store left alone as well


class Limiter:
    """One for the process: its threads find out together that the store is away."""

    def __init__(
        self,
        store: Store,
        rest_s: float = REST_S,
        slow_s: float = SLOW_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._slow_s, self._clock = store, slow_s, clock
        self._rest = Rest(rest_s, clock)
        self._alone = MemoryStore(clock)
        self._pauses: dict[str, float] = {}  # until when

    def ask(self, token: str, claims: Sequence[Claim]) -> Verdict:
        refuse_nonsense(claims)
        verdict = self._attempt(lambda store: store.ask(token, claims))
        if verdict.full:  # who is in no line must not come back with everybody else who is not
            return replace(verdict, wait_s=verdict.wait_s * random.uniform(0.5, 1.0))  # noqa: S311
        return verdict

    def release(self, token: str) -> list[str]:
        """The tokens that may come now: wake them."""
        return self._attempt(lambda store: store.release(token))

    def pause(self, name: str, seconds: float) -> None:
        self._alone.pause(name, seconds)
        self._pauses[name] = self._clock() + seconds
        self._attempt(lambda store: store.pause(name, seconds))

    def learn(self, name: str, limit: int, for_s: float) -> None:
        self._alone.learn(name, max(1, limit), for_s)
        self._attempt(lambda store: store.learn(name, max(1, limit), for_s))

    def hit(self, name: str, window: Window) -> Count:
        return self._attempt(lambda store: store.hit(name, window))

    def snapshot(self, names: Sequence[str]) -> list[Usage]:
        """While the store is away: what this process knows."""
        return self._attempt(lambda store: store.snapshot(names))

    @property
    def is_away(self) -> bool:
        return self._rest.is_on

    def _attempt[T](self, question: Callable[[Store], T]) -> T:
        if not self._rest.admits():
            return question(self._alone)
        began = self._clock()
        try:
            if self._rest.is_on:
                self._tell_pauses()
            answer = question(self._store)
        except Exception as error:
            self._leave_alone(error)
            return question(self._alone)
        if self._clock() - began > self._slow_s:
            self._leave_alone(None)
        else:
            self._rest.end()
        return answer

    def _tell_pauses(self) -> None:
        """The store may not have heard of them; of all else that was granted alone nothing is kept."""
        self._alone = MemoryStore(self._clock)
        for name, until in list(self._pauses.items()):
            left_s = until - self._clock()
            if left_s > 0:
                self._store.pause(name, left_s)
                self._alone.pause(name, left_s)
            else:
                self._pauses.pop(name, None)

    def _leave_alone(self, error: Exception | None) -> None:
        if self._rest.begin():
            log.warning(
                "limits: the store %s, this process keeps them alone",
                "failed" if error else "is slow",
                exc_info=error,
            )


def refuse_nonsense(claims: Sequence[Claim]) -> None:
    if sum(isinstance(claim.policy, Seats) for claim in claims) > 1:
        raise ValueError("who holds one seat and waits for another blocks both: claim one")
    if len({claim.name for claim in claims}) < len(claims):
        raise ValueError("a budget has one policy: name each claim differently")
