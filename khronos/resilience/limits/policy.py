"""Budgets, claims on them, and what is answered to who asks. Value objects."""

from dataclasses import dataclass

GRACE_MS = 1000  # how late a promised place, or a seat set aside, may be used
MICRO = 1_000_000  # stores count whole microseconds


@dataclass(frozen=True, slots=True)
class Spacing:
    """At least so far apart."""

    every_ms: int


@dataclass(frozen=True, slots=True)
class Window:
    """Never more than the limit in any period, wherever it begins."""

    limit: int
    period_s: float


@dataclass(frozen=True, slots=True)
class Seats:
    """So many at once. A seat that nobody gives back ends by its lease."""

    limit: int
    lease_s: float


type Policy = Spacing | Window | Seats


def terms(policy: Policy) -> tuple[str, int, int]:
    """Kind, limit, and the period (or lease) in microseconds. A spacing is a window for one."""
    match policy:
        case Spacing(every_ms):
            return "spacing", 1, every_ms * 1000
        case Window(limit, period_s):
            return "window", limit, round(period_s * MICRO)
        case Seats(limit, lease_s):
            return "seats", limit, round(lease_s * MICRO)


@dataclass(frozen=True, slots=True)
class Claim:
    """A wish for a budget.

    An own budget (a chat's) that refuses keeps nobody else waiting: nothing is reserved. In a shared one (the
    bot's) a place is. Seats have their own line, whoever shares them.
    """

    name: str
    policy: Policy
    shared: bool = False
    most_waiting: int = 1000  # in a shared budget or for seats; who comes then is not noted at all


@dataclass(frozen=True, slots=True)
class Verdict:
    granted: bool
    wait_s: float = 0.0  # when to ask again, with the same token
    blocked_by: str = ""
    full: bool = False  # too many wait already: nothing is reserved
    wake: tuple[str, ...] = ()  # tokens for whom a seat was set aside meanwhile


@dataclass(frozen=True, slots=True)
class Count:
    within: bool
    used: int = 0  # in the period that ends now
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Usage:
    """A budget as it stands. What was never asked for, or long ago, has no limit yet."""

    name: str
    used: int = 0
    limit: int | None = None
    learned: int | None = None
    waiting: int = 0
    paused_s: float = 0.0
    refused: int = 0
