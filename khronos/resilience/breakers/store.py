"""What a breaker asks its store, and what it is answered. The store's clock is the only one that decides."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from khronos.resilience.breakers.policy import BreakerPolicy, State


class Outcome(Enum):
    SUCCESS = "success"
    FAILURE = "failure"
    VOID = "void"  # says nothing about the service


@dataclass(frozen=True, slots=True)
class Batch:
    """Calls that ended since the last batch of this process."""

    era: int
    successes: int = 0
    successes_age_ms: int = 0  # they may have waited for the next call to bring them
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    before: State  # other than `state`: this very question changed it, and nobody else is told so
    state: State
    era: int  # every change begins one; calls that began in an earlier one do not count any more
    calls: int  # in the window
    failures: int
    openings: int
    opened_at_ms: int  # the last time, since the epoch; 0: never
    wait_ms: int  # until a probe may be due: the rest, or what is left of the present probe's lease
    is_probing: bool
    is_admitted: bool  # who asked with a token: may it pass

    @property
    def error_rate(self) -> float:
        return self.failures / self.calls if self.calls else 0.0


class Store(Protocol):
    def report(self, policy: BreakerPolicy, batch: Batch, token: str = "") -> Answer:
        """Count the batch; then the bearer of a token asks to pass, as the probe where it is half-open."""

    def settle(self, policy: BreakerPolicy, token: str, outcome: Outcome) -> Answer:
        """End a probe: closed by a success, open by a failure, free for another when void."""

    def order(self, policy: BreakerPolicy, state: State, rest_ms: int) -> Answer:
        """An operator's: OPEN for so long, or CLOSED."""

    def look(self, policy: BreakerPolicy) -> Answer:
        """Change nothing."""
