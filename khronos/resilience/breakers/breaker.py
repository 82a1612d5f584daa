"""A circuit breaker around calls to an outside service: `with breaker:`. A closed one costs no round trip."""

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Self

from khronos.resilience.breakers.link import Entry, Link
from khronos.resilience.breakers.policy import BreakerPolicy, State
from khronos.resilience.breakers.store import Outcome, Store
from khronos.resilience.breakers.told import Change, Open, Snapshot

log = logging.getLogger(__name__)


def every_exception(_error: BaseException) -> bool:
    return True


def tell_nobody(_change: Change) -> None:
    """Who wants to know gives another."""


class Breaker:
    """One for all threads. An exception that does not count shows that the service is there: a success.
    Where `counts` answers None it says nothing of the service.

    What is no Exception (KeyboardInterrupt, a cancelled task) and the refusal of a breaker further in say
    nothing of the service: they are not counted, and a probe that ends so leaves its place to another.
    """

    def __init__(
        self,
        policy: BreakerPolicy,
        store: Store,
        *,
        counts: Callable[[BaseException], bool | None] = every_exception,
        on_change: Callable[[Change], None] = tell_nobody,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.policy = policy
        self._store, self._counts, self._clock = store, counts, clock
        self._link = Link(policy, store, on_change, clock)
        self._entries: ContextVar[tuple[Entry, ...]] = ContextVar("entries", default=())

    def __enter__(self) -> Self:
        view = self._link.view
        if self._clock() >= view.trusted_until:
            view = self._link.renew()
        if not view.admits:
            raise Open(max(0.0, view.refused_until - self._clock()), self.policy.name)
        self._entries.set((*self._entries.get(), view.entry))
        return self

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        *outer, entry = self._entries.get()
        self._entries.set(tuple(outer))
        outcome = self._outcome(error)
        if entry.probe:
            self._link.settle(entry.probe, outcome)
        elif outcome is not Outcome.VOID:
            self._link.count(entry.era, failed=outcome is Outcome.FAILURE)

    def call[R](self, function: Callable[[], R]) -> R:
        with self:
            return function()

    def snapshot(self) -> Snapshot:
        try:
            answer = self._store.look(self.policy)
        except Exception:
            return Snapshot(self.policy.name, store_is_away=True)
        return Snapshot(
            name=self.policy.name,
            state=answer.state,
            error_rate=answer.error_rate,
            calls=answer.calls,
            failures=answer.failures,
            opened_at=answer.opened_at_ms / 1000 if answer.opened_at_ms else None,
            probe_in_s=None if answer.state is State.CLOSED else answer.wait_ms / 1000,
            is_probing=answer.is_probing,
            openings=answer.openings,
        )

    def force_open(self, for_s: float | None = None) -> None:
        """For so long, or for the policy's rest; then it is half-open. Raises what the store raises."""
        self._link.order(State.OPEN, self.policy.rest_ms if for_s is None else round(for_s * 1000))

    def reset(self) -> None:
        """Closed, with an empty window. Raises what the store raises."""
        self._link.order(State.CLOSED, 0)

    def _outcome(self, error: BaseException | None) -> Outcome:
        if error is None:
            return Outcome.SUCCESS
        if not isinstance(error, Exception) or isinstance(error, Open):
            return Outcome.VOID
        try:
            counts = self._counts(error)
        except Exception:
            log.exception("breaker %s: cannot tell whether a failure counts", self.policy.name)
            return Outcome.VOID
        if counts is None:
            return Outcome.VOID
        return Outcome.FAILURE if counts else Outcome.SUCCESS
