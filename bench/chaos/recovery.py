"""How long a fault was felt: by a canary that asks when it is over, and by those who asked around it."""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.chaos.evidence import Screens
from bench.chaos.plan import Fault
from bench.simulator import Simulator
from bench.simulator.telegram.ledger import Update
from bench.simulator.verdict import MARKER

FIRST_CANARY_ID = 900_000
IN_HAND_S, LINGERS_S = 3.0, 1.0  # a fault is felt by what was asked so long before it and after its end


@dataclass(slots=True)
class Struck:
    """A fault that was carried out. Times are seconds since the epoch."""

    fault: Fault
    began_at: float
    ended_at: float | None = None
    answered_at: float | None = None
    missing: bool = False  # nobody was there to be struck

    @property
    def recovery_s(self) -> float | None:
        if self.missing or self.ended_at is None or self.answered_at is None:
            return None
        return self.answered_at - self.ended_at


class Canaries:
    """Each asks once, in a chat of its own, at the end of a fault."""

    def __init__(self, world: Simulator) -> None:
        self.world = world
        self._waiting: list[Struck] = []

    def ask(self, struck: Struck) -> None:
        number = struck.fault.number
        struck.ended_at = time.time()
        self.world.telegram.say(FIRST_CANARY_ID + number, f"Is it well again? {marker(number)}")
        self._waiting.append(struck)

    def hear(self) -> list[Struck]:
        """Those that were answered since the last look."""
        heard = []
        for struck in list(self._waiting):
            for message in self.world.telegram.view(FIRST_CANARY_ID + struck.fault.number):
                shown_at = message.shown_since(marker(struck.fault.number))
                if message.from_bot and shown_at is not None:
                    struck.answered_at = shown_at
                    self._waiting.remove(struck)
                    heard.append(struck)
                    break
        return heard


def marker(number: int) -> str:
    return f"[canaryc{number:02d}-m01]"


@dataclass(frozen=True, slots=True)
class Wait:
    asked_at: float
    seconds: float


def waits(asked: Iterable[Update], screens: Screens) -> list[Wait]:
    """From a person's word to its answer on the screen; what is not answered is the verdict's business."""
    shown = {
        (chat, found): message.shown_since(found)
        for (_token, chat), screen in screens.items()
        for message in reversed(screen)
        if message.from_bot
        for found in MARKER.findall(message.text)
    }
    return [
        Wait(update.pushed_at, answered_at - update.pushed_at)
        for update in asked
        for found in MARKER.findall(update.text)
        if (answered_at := shown.get((update.chat_id, found))) is not None
    ]


@dataclass(frozen=True, slots=True)
class Recovery:
    """Of all faults of one sort, in seconds. `longest_wait`: of what was asked around one of them."""

    name: str
    faults: int
    missed: int
    median_s: float | None
    worst_s: float | None
    longest_wait_s: float | None


def recoveries(struck: Iterable[Struck], waited: Sequence[Wait]) -> list[Recovery]:
    by_name: dict[str, list[Struck]] = defaultdict(list)
    for each in struck:
        by_name[sort_of(each.fault)].append(each)
    return [recovery(name, by_name[name], waited) for name in sorted(by_name)]


def recovery(name: str, struck: Sequence[Struck], waited: Sequence[Wait]) -> Recovery:
    seconds = [each.recovery_s for each in struck if each.recovery_s is not None]
    felt = [wait.seconds for wait in waited if any(is_around(wait, each) for each in struck)]
    return Recovery(
        name,
        faults=len(struck),
        missed=sum(each.missing for each in struck),
        median_s=median(seconds) if seconds else None,
        worst_s=max(seconds, default=None),
        longest_wait_s=max(felt, default=None),
    )


def is_around(wait: Wait, struck: Struck) -> bool:
    ended_at = struck.ended_at if struck.ended_at is not None else struck.began_at
    return not struck.missing and struck.began_at - IN_HAND_S <= wait.asked_at <= ended_at + LINGERS_S


def sort_of(fault: Fault) -> str:
    """One agent is like the other."""
    return f"{fault.target.removesuffix('-2')}: {fault.kind}"
