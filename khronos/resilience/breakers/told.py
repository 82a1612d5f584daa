"""What a breaker tells: a refusal, a change, how it stands."""

from dataclasses import dataclass

from khronos.resilience.breakers.policy import State


class Open(Exception):
    """Refused: the service is away. Asking again makes sense after `retry_after_s`."""

    def __init__(self, retry_after_s: float, name: str = "") -> None:
        super().__init__(retry_after_s, name)
        self.retry_after_s, self.name = retry_after_s, name

    def __str__(self) -> str:
        return f"breaker {self.name} is open: ask again in {self.retry_after_s:.1f} s"


@dataclass(frozen=True)
class Change:
    name: str
    before: State
    after: State
    error_rate: float
    calls: int


@dataclass(frozen=True)
class Snapshot:
    name: str
    state: State = State.CLOSED
    error_rate: float = 0.0
    calls: int = 0  # in the window
    failures: int = 0
    opened_at: float | None = None  # the last time; seconds since the epoch
    probe_in_s: float | None = None  # with a probe under way: at the latest; None where it is closed
    is_probing: bool = False
    openings: int = 0
    store_is_away: bool = False  # nothing is known then, and calls pass
