"""Restarts and memory of each process over a whole run, also when the supervisor itself has several lives."""

import time
from collections import Counter
from dataclasses import dataclass

from bench.instance import Instance
from khronos.launch import state

LOOK_EVERY_S = 1.0
WEIGH_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Vital:
    name: str
    restarts: int
    memory_mb: float  # at the end, its children included
    most_mb: float


class Vitals:
    def __init__(self, khronos: Instance) -> None:
        self.khronos = khronos
        self.supervisors = 1
        self._life: float | None = None
        self._banked: Counter[str] = Counter()  # restarts under supervisors that are dead
        self._counted: dict[str, int] = {}
        self._weight: dict[str, float] = {}
        self._most: Counter[str] = Counter()
        self._look_at = self._weigh_at = 0.0

    def look(self, *, now_please: bool = False) -> None:
        now = time.monotonic()
        if now >= self._look_at or now_please:
            self._look_at = now + LOOK_EVERY_S
            self._count()
        if now >= self._weigh_at or now_please:
            self._weigh_at = now + WEIGH_EVERY_S
            self._weigh()

    def table(self) -> list[Vital]:
        return [
            Vital(
                name,
                self._banked[name] + self._counted.get(name, 0),
                self._weight.get(name, 0.0),
                float(self._most[name]),
            )
            for name in self._counted
        ]

    def _count(self) -> None:
        entries = state.load(self.khronos.home)
        if not entries:
            return  # between two supervisors
        life = next(entry.started for entry in entries if entry.name == state.SUPERVISOR)
        if self._life is not None and life != self._life:
            self._banked.update(self._counted)
            self.supervisors += 1
        self._life = life
        self._counted = {entry.name: entry.restarts for entry in entries}

    def _weigh(self) -> None:
        for row in state.rows(state.load(self.khronos.home)):
            self._weight[row.name] = row.rss_mb
            self._most[row.name] = max(self._most[row.name], round(row.rss_mb))
