"""Crash points: the moments at which a process can be told to end itself by kill -9 (docs/chaos.md).

`reached` does nothing, until `arm` puts a trap in its place. Call `crashpoints.reached("turn.claimed")`:
whoever imports the function itself keeps the one that does nothing.
"""

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Every point, in the order of a message's way, and the process that comes by.
POINTS = {
    "intake.received": "web",
    "intake.stored": "web",
    "intake.rung": "web",
    "bus.read": "dispatcher",
    "dispatch.written": "dispatcher",
    "dispatch.committed": "dispatcher",
    "dispatch.rung": "dispatcher",
    "relay.told": "dispatcher",
    "bus.acked": "dispatcher",
    "relay.marked": "dispatcher",
    "sweep.rung": "dispatcher",
    "work.leased": "agent",
    "turn.claimed": "agent",
    "turn.locked": "agent",
    "turn.prompted": "agent",
    "turn.thought": "agent",
    "turn.parking": "agent",
    "turn.parked": "agent",
    "answer.written": "agent",
    "turn.answered": "agent",
    "delivery.claimed": "worker",
    "delivery.begun": "agent",
    "delivery.placing": "agent",
    "delivery.placed": "agent",
    "delivery.marked": "agent",
    "delivery.filling": "agent",
    "delivery.sending": "agent",
    "delivery.shown": "agent",
    "delivery.put_off": "agent",
    "delivery.written": "agent",
    "delivery.settled": "agent",
    "turn.delivered": "agent",
    "turn.next_rung": "agent",
}


@dataclass(frozen=True, slots=True)
class Order:
    """Which point, and at which passing by: `turn.claimed:3`, or `turn.claimed` for the first."""

    point: str
    passing: int = 1

    @classmethod
    def read(cls, text: str) -> "Order":
        point, _, passing = text.strip().partition(":")
        if point not in POINTS:
            raise ValueError(f"there is no crash point {point!r}")
        return cls(point, int(passing or 1))


def nothing(_point: str) -> None:
    """In production."""


def end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Trap:
    """Strikes once for each point in the life of a folder, in which a file named after the point says so."""

    def __init__(self, order: Callable[[], Order | None], folder: Path, strike: Callable[[], None]) -> None:
        self._order, self._folder, self._strike = order, folder, strike
        self._lock = threading.Lock()
        self._counted: Order | None = None
        self._passings = 0

    def reached(self, point: str) -> None:
        order = self._order()
        if order is None or order.point != point:
            return
        with self._lock:
            if order != self._counted:
                self._counted, self._passings = order, 0
            self._passings += 1
            if self._passings == order.passing and self._is_first(point):
                self._strike()

    def _is_first(self, point: str) -> bool:
        """Of all processes that come by, and of all their lives."""
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            with (self._folder / point).open("x") as marker:
                marker.write(str(os.getpid()))
        except FileExistsError:
            return False
        return True


reached: Callable[[str], None] = nothing


def arm(at: str, folder: Path, strike: Callable[[], None] = end) -> None:
    """`at` is an order, or `@name`: a file of the folder, which holds the order of the moment or none."""
    global reached  # noqa: PLW0603 - a switch that is looked at would cost every call
    reached = Trap(reader(at, folder), folder, strike).reached if at else nothing


def reader(at: str, folder: Path) -> Callable[[], Order | None]:
    if not at.startswith("@"):
        order = Order.read(at)
        return lambda: order
    file = folder / at[1:]

    def look() -> Order | None:
        try:
            text = file.read_text("utf-8")
        except FileNotFoundError:
            return None
        return Order.read(text) if text.strip() else None

    return look
