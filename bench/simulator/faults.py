"""Faults to order: what goes wrong, where, how often and for how long."""

import random
import time
from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal[
    "status",  # answer with this status (5xx of Telegram with an HTML body, as a proxy would)
    "hang",  # take the request, never answer
    "delay",  # answer as usual, later
    "reset",  # cut the connection before anything is done
    "lost",  # do it, then cut the connection: the answer is lost
    "lost_hang",  # do it, then never answer
    "garbled",  # do it, then answer with broken JSON
    "page",  # do nothing, answer with somebody else's HTML: 200, or a 4xx that is ordered
    "trickle",  # models: answer byte by byte
    "drip",  # models: a byte now and then, for ever
    "cut",  # models: begin to answer, then cut the connection
    "stream_error",  # models: begin to stream, then an error event
    "empty",  # models: an answer without content
    "refusal",  # models: stop_reason "refusal"
    "max_tokens",  # models: the answer breaks off in the middle
]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(slots=True)
class Fault:
    """One order. It ends by count, by time, or when cleared."""

    kind: Kind
    where: dict[str, object] = field(default_factory=dict)
    status: int = 500
    retry_after: float | None = None
    seconds: float = 0.0
    description: str = ""
    probability: float = 1.0
    left: int | None = None
    until: float | None = None
    hits: int = 0

    def over(self, now: float) -> bool:
        return self.left == 0 or (self.until is not None and now >= self.until)

    def fits(self, labels: dict[str, object]) -> bool:
        return all(labels.get(name) == value for name, value in self.where.items())

    @property
    def page_status(self) -> int:
        return self.status if 400 <= self.status < 500 else 200

    @property
    def outcome(self) -> str:
        """How the ledgers call it."""
        return f"fault:{self.status}" if self.kind == "status" else f"fault:{self.kind}"


class Faults:
    """The orders in force, first come first served; seeded, so that a run can be repeated."""

    def __init__(self, seed: int = 0) -> None:
        self._orders: list[Fault] = []
        self._random = random.Random(seed)

    def add(self, fault: Fault, *, for_seconds: float | None = None) -> Fault:
        if fault.kind not in KINDS:
            raise ValueError(f"unknown fault {fault.kind!r}; known: {', '.join(KINDS)}")
        if for_seconds is not None:
            fault.until = time.monotonic() + for_seconds
        self._orders.append(fault)
        return fault

    def clear(self) -> None:
        self._orders.clear()

    def pick(self, **labels: object) -> Fault | None:
        """The fault that befalls this call, if any; counted as used."""
        if not self._orders:
            return None
        now = time.monotonic()
        self._orders = [fault for fault in self._orders if not fault.over(now)]
        for fault in self._orders:
            if fault.fits(labels) and self._strikes(fault):
                return fault
        return None

    def _strikes(self, fault: Fault) -> bool:
        if fault.probability < 1.0 and self._random.random() >= fault.probability:
            return False
        fault.hits += 1
        if fault.left is not None:
            fault.left -= 1
        return True
