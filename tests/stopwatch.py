"""Measures how long something took, without what the machine itself stood still meanwhile."""

import threading
import time
from typing import Self

TICK_S = 0.02
NOISE_S = 0.1  # a thread that wakes up later than this was kept from it


class Stopwatch:
    """`with Stopwatch() as watch: …` and then `watch.took_s`.

    A machine of CI is stopped for a second or two now and then, with all that runs on it. A thread that wants
    to run all the time sees how long that was; a process that is slow by itself it does not see.
    """

    def __init__(self) -> None:
        self.stood_s = self.took_s = 0.0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        ended = time.monotonic()
        self._is_over.set()
        self._thread.join()
        self.took_s = ended - self._began - self.stood_s

    def _look(self) -> None:
        while not self._is_over.is_set():
            before = time.monotonic()
            self._is_over.wait(TICK_S)
            late_s = time.monotonic() - before - TICK_S
            if late_s > NOISE_S:
                self.stood_s += late_s
