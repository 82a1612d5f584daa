"""When a breaker opens, for how long, and what it may let through. A value object."""

from dataclasses import dataclass
from enum import StrEnum

BUCKETS = 10  # of a window; the oldest leaves it as a whole, so a window is up to a tenth too short
PROBE_MARGIN_S = 1.0  # a probe that ends at its very timeout still has time to say so


class State(StrEnum):
    CLOSED = "closed"  # calls pass
    OPEN = "open"  # calls are refused
    HALF_OPEN = "half-open"  # one call at a time passes: the probe


@dataclass(frozen=True)
class BreakerPolicy:
    name: str
    timeout_s: float  # a call takes no longer; its client sees to that, the breaker only relies on it
    opens_at: float  # error rate over the window, above 0 and up to 1
    rest_s: float  # from opening to half-open
    window_s: float = 10.0
    least_calls: int = 5  # in the window; two failures of three say little

    def __post_init__(self) -> None:
        if not 0 < self.opens_at <= 1:
            raise ValueError(f"{self.name}: opens_at is a rate above 0 and up to 1, not {self.opens_at}")
        if min(self.timeout_s, self.rest_s, self.window_s, self.least_calls) <= 0:
            raise ValueError(f"{self.name}: timeout_s, rest_s, window_s and least_calls are above 0")

    @property
    def bucket_ms(self) -> int:
        return max(1, round(self.window_s * 1000 / BUCKETS))

    @property
    def rest_ms(self) -> int:
        return round(self.rest_s * 1000)

    @property
    def lease_ms(self) -> int:
        """How long a prober that says nothing keeps the others out."""
        return round((self.timeout_s + PROBE_MARGIN_S) * 1000)

    def opens(self, calls: int, failures: int) -> bool:
        return calls >= self.least_calls and failures / calls >= self.opens_at
