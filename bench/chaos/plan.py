"""What goes wrong, when, on whom and for how long: data, made from the seed before anything runs."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

CALM_S = 4.0  # before the first fault and after the last one
APART_S, SPREAD_S = 1.0, 3.5  # from one fault to the next: at least, and on average as much again
OUTLIVES_A_LEASE_S = (32.0, 38.0)  # who wakes after it finds its work in other hands

EVERYTHING = "everything"
SUPERVISOR = "supervisor"
TELEGRAM, MODEL = "telegram", "model"
PROCESSES = (
    "web",
    "web.child",
    "dispatcher",
    "agent",
    "agent-2",
    "worker",
    "beat",
    "valkey",
    "litestream",
    "flower",
)


class Kind(StrEnum):
    KILL = "kill -9"
    TERMINATE = "SIGTERM"
    FREEZE = "SIGSTOP"
    FLUSH = "FLUSHALL"
    TELEGRAM_BUSY = "429 with retry_after"
    TELEGRAM_DOWN = "502"
    TELEGRAM_RESET = "connection reset"
    TELEGRAM_LOST = "done, then connection reset"
    TELEGRAM_SILENT = "done, then time-out"
    MODEL_OVERLOADED = "529"
    MODEL_FAILING = "500"
    MODEL_SLOW = "slow"
    MODEL_RESET = "reset"


@dataclass(frozen=True, slots=True)
class Card:
    """A fault that may be dealt, and how long it may last; 0 where it is over at once."""

    kind: Kind
    target: str
    lasts_s: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Fault:
    number: int
    at_s: float
    kind: Kind
    target: str
    lasts_s: float

    @property
    def ends_s(self) -> float:
        return self.at_s + self.lasts_s


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    seconds: float
    faults: tuple[Fault, ...]


# A card that is there twice is dealt twice as often.
DECK = (
    *(Card(kind, name) for kind in (Kind.KILL, Kind.TERMINATE) for name in PROCESSES),
    *(Card(Kind.FREEZE, name, (2.0, 8.0)) for name in PROCESSES),
    *(Card(Kind.FREEZE, name, OUTLIVES_A_LEASE_S) for name in ("agent", "worker")),
    *(Card(kind, SUPERVISOR) for kind in (Kind.KILL, Kind.TERMINATE)),
    Card(Kind.FREEZE, SUPERVISOR, (2.0, 8.0)),
    Card(Kind.KILL, EVERYTHING),
    *[Card(Kind.FLUSH, "valkey")] * 3,
    *[Card(Kind.TELEGRAM_BUSY, TELEGRAM, (2.0, 5.0))] * 2,
    *[Card(Kind.TELEGRAM_DOWN, TELEGRAM, (2.0, 6.0))] * 2,
    *[Card(Kind.TELEGRAM_RESET, TELEGRAM, (2.0, 6.0))] * 2,
    *[Card(Kind.TELEGRAM_LOST, TELEGRAM, (2.0, 6.0))] * 2,
    *[Card(Kind.TELEGRAM_SILENT, TELEGRAM, (1.0, 3.0))] * 2,
    *[Card(Kind.MODEL_OVERLOADED, MODEL, (2.0, 8.0))] * 2,
    *[Card(Kind.MODEL_FAILING, MODEL, (2.0, 8.0))] * 2,
    *[Card(Kind.MODEL_SLOW, MODEL, (3.0, 8.0))] * 2,
    *[Card(Kind.MODEL_RESET, MODEL, (2.0, 6.0))] * 2,
)


def make(seed: int, seconds: float) -> Plan:
    """All of the deck comes before any card comes again. Faults may overlap; all end within the time."""
    chance = random.Random(seed)
    cards, faults = dealt(chance), list[Fault]()
    at, last = CALM_S, seconds - CALM_S
    while at <= last:
        card = next(cards)
        lasts = min(chance.uniform(*card.lasts_s), last - at)
        faults.append(Fault(len(faults) + 1, round(at, 2), card.kind, card.target, round(lasts, 2)))
        at += APART_S + chance.expovariate(1 / SPREAD_S)
    return Plan(seed, seconds, tuple(faults))


def dealt(chance: random.Random) -> Iterator[Card]:
    while True:
        yield from chance.sample(DECK, len(DECK))
