"""Crash points: the moments at which a process can be told to end itself by kill -9 (docs/chaos.md).

`reached` does nothing, until `arm` puts a trap in its place. Call `crashpoints.reached("turn.claimed")`:
whoever imports the function itself keeps the one that does nothing.
"""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Mapping
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
    "media.piece": "agent",
    "triage.decided": "agent",
    "turn.prompted": "agent",
    "tools.asked": "agent",
    "tools.kept": "agent",
    "tool.running": "agent",
    "tool.called": "agent",
    "tools.done": "agent",
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
class Orders:
    """At which points, and at which passing by: `turn.claimed:3 bus.read`; the first where none is said."""

    passings: Mapping[str, int]

    @classmethod
    def read(cls, text: str) -> "Orders":
        passings = {}
        for order in text.split():
            point, _, passing = order.partition(":")
            if point not in POINTS:
                raise ValueError(f"there is no crash point {point!r}")
            passings[point] = int(passing or 1)
        return cls(passings)


def nothing(_point: str) -> None:
    """In production."""


def end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Trap:
    """Strikes once for each point in the life of a folder, in which a file named after the point says so."""

    def __init__(self, orders: Callable[[], Orders], folder: Path, strike: Callable[[], None]) -> None:
        self._orders, self._folder, self._strike = orders, folder, strike
        self._lock = threading.Lock()
        self._passed: Counter[str] = Counter()

    def reached(self, point: str) -> None:
        passing = self._orders().passings.get(point)
        if passing is None:
            return
        with self._lock:
            self._passed[point] += 1
            if self._passed[point] == passing and self._is_first(point):
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
    """`at` are orders, or `@name`: a file of the folder, which holds the orders of the moment."""
    global reached  # noqa: PLW0603 - a switch that is looked at would cost every call
    reached = Trap(reader(at, folder), folder, strike).reached if at else nothing


def reader(at: str, folder: Path) -> Callable[[], Orders]:
    if not at.startswith("@"):
        orders = Orders.read(at)
        return lambda: orders
    file = folder / at[1:]

    def look() -> Orders:
        try:
            return Orders.read(file.read_text("utf-8"))
        except FileNotFoundError:
            return Orders({})

    return look
