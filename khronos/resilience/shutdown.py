"""The flag that loops look at when their process is told to stop (khronos/resilience/farewell.py sets it)."""

import os
import select


class Stopping:
    """Like an Event, but safe to set from a signal handler while the same thread waits."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self._set = False

    def set(self) -> None:
        if not self._set:
            self._set = True
            os.write(self._writer, b"x")

    def is_set(self) -> bool:
        return self._set

    def wait(self, seconds: float) -> bool:
        select.select([self._reader], [], [], max(0.0, seconds))
        return self._set
