"""What a process knows of a breaker's shared state, and what it has to tell to it.

Successes wait for a batch, failures are told at once; every answer brings the shared state with it.
"""

import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from khronos.resilience.breakers.policy import BreakerPolicy, State
from khronos.resilience.breakers.store import Answer, Batch, Outcome, Store
from khronos.resilience.breakers.told import Change

log = logging.getLogger(__name__)

TRUST_S = 0.5  # so late may a process learn what another one found
PUSH_EVERY_S = 0.25
PROBE_NEWS_S = 1.0  # a probe's outcome is mostly known long before its lease ends
UNSEEN_ERA = -1  # no store's: what was counted before the first answer counts nowhere
LONG_AGO = float("-inf")


class Entry(NamedTuple):
    """What a call takes along from its beginning to its end."""

    era: int
    probe: str = ""  # its token


@dataclass(frozen=True, slots=True)
class View:
    """The shared state as it was answered, in the time of this process's clock."""

    entry: Entry
    admits: bool
    trusted_until: float
    refused_until: float

    @classmethod
    def of(cls, answer: Answer, asked_at: float, probe: str = "") -> "View":
        if answer.state is State.CLOSED:
            return cls(Entry(answer.era), True, asked_at + TRUST_S, asked_at)
        wait_s = answer.wait_ms / 1000
        if answer.is_probing:
            wait_s = min(wait_s, PROBE_NEWS_S)
        return cls(Entry(answer.era, probe), bool(probe), asked_at + min(TRUST_S, wait_s), asked_at + wait_s)


class Link:
    def __init__(
        self,
        policy: BreakerPolicy,
        store: Store,
        on_change: Callable[[Change], None],
        clock: Callable[[], float],
    ) -> None:
        self._policy, self._store, self._on_change, self._clock = policy, store, on_change, clock
        self.view = View(Entry(UNSEEN_ERA), True, LONG_AGO, LONG_AGO)
        self._line = threading.Lock()  # one thread talks to the store, and brings what all have counted
        self._is_away = False
        self._push_at = LONG_AGO
        self._counting = threading.Lock()
        self._successes = self._failures = 0
        self._success_at = 0.0  # the first of those that wait

    def renew(self) -> View:
        """One thread asks for all that know too little. Its view admits it where it is to probe."""
        if not self._line.acquire(blocking=not self._is_away):
            return replace(self.view, admits=True)  # somebody tries already whether the store is back
        try:
            asked_at = self._clock()
            if asked_at < self.view.trusted_until:
                return self.view
            token = secrets.token_hex(8)
            answer = self._exchange(lambda: self._store.report(self._policy, self._take(), token))
        finally:
            self._line.release()
        if answer is None:
            return replace(self.view, admits=True)
        self._tell(answer)
        return View.of(answer, asked_at, token if answer.is_admitted else "")

    def count(self, era: int, *, failed: bool) -> None:
        now = self._clock()
        with self._counting:
            if era != self.view.entry.era:  # it has opened or closed meanwhile
                return
            if failed:
                self._failures += 1
            elif self._successes == 0:
                self._successes, self._success_at = 1, now
            else:
                self._successes += 1
        if failed or now >= self._push_at:
            self._push(must=failed)

    def settle(self, probe: str, outcome: Outcome) -> None:
        with self._line:
            answer = self._exchange(lambda: self._store.settle(self._policy, probe, outcome))
        self._tell(answer)

    def order(self, state: State, rest_ms: int) -> None:
        with self._line:
            asked_at = self._clock()
            answer = self._store.order(self._policy, state, rest_ms)
            self._see(answer, asked_at)
        self._tell(answer)

    def _push(self, *, must: bool) -> None:
        if not self._line.acquire(blocking=must and not self._is_away):
            return  # successes have time, and a store that is away forgets failures
        try:
            batch = self._take()
            if batch.successes + batch.failures == 0:  # whoever was before us has told ours too
                return
            answer = self._exchange(lambda: self._store.report(self._policy, batch))
        finally:
            self._line.release()
        self._tell(answer)

    def _take(self) -> Batch:
        with self._counting:
            age_ms = round((self._clock() - self._success_at) * 1000) if self._successes else 0
            batch = Batch(self.view.entry.era, self._successes, age_ms, self._failures)
            self._successes = self._failures = 0
        return batch

    def _exchange(self, question: Callable[[], Answer]) -> Answer | None:
        """None, and calls pass: the store is away."""
        asked_at = self._clock()
        self._push_at = asked_at + PUSH_EVERY_S
        try:
            answer = question()
        except Exception as error:
            if not self._is_away:
                log.warning("breaker %s: its store is away, calls pass: %s", self._policy.name, error)
            self._is_away = True
            return None
        if self._is_away:
            log.info("breaker %s: its store is back", self._policy.name)
        self._is_away = False
        self._see(answer, asked_at)
        return answer

    def _see(self, answer: Answer, asked_at: float) -> None:
        with self._counting:
            if answer.era != self.view.entry.era:
                self._successes = self._failures = 0
            self.view = View.of(answer, asked_at)

    def _tell(self, answer: Answer | None) -> None:
        if answer is None or answer.before is answer.state:
            return
        change = Change(self._policy.name, answer.before, answer.state, answer.error_rate, answer.calls)
        try:
            self._on_change(change)
        except Exception:
            log.exception("breaker %s: telling of a change failed", self._policy.name)
