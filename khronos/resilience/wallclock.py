"""Notices when the machine's clock is put: back, what waits for a time would wait that much longer."""

import time
from collections.abc import Callable

LEAST_S = 1.0  # less is the usual slow correction


class WallClock:
    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall, self._steady = wall, steady
        self._ahead = wall() - steady()

    def put_back_s(self) -> float:
        """By how much since it was last asked; 0 where it was not."""
        return max(0.0, -self.moved_s())

    def moved_s(self) -> float:
        """The same, with what it was put forward above 0. A suspended machine's clock was, too."""
        before, self._ahead = self._ahead, self._wall() - self._steady()
        moved = self._ahead - before
        return moved if abs(moved) > LEAST_S else 0.0
