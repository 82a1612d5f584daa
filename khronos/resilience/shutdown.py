"""The flag that loops look at when their process is told to stop (khronos/resilience/farewell.py sets it)."""

import os
import select
from weakref import finalize


class Stopping:
    """Like an Event, but safe to set from a signal handler while the same thread waits."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            finalize(self, os.close, end).atexit = False
        self._set = False

    def set(self) -> None:
        if not self._set:
            self._set = True
            os.write(self._writer, b"x")

    def is_set(self) -> bool:
        return self._set

    def wait(self, seconds: float) -> bool:
        waiting = select.poll()  # one for each thread that waits; and select() knows no number above 1023
        waiting.register(self._reader, select.POLLIN)
        waiting.poll(max(0.0, seconds) * 1000)
        return self._set
