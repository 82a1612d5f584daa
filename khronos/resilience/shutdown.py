"""Stop when asked: SIGTERM and SIGINT set a flag that loops look at. A second signal changes nothing."""

import os
import select
import signal
from types import FrameType


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
        select.select([self._reader], [], [], seconds)
        return self._set


def stop_requested() -> Stopping:
    """To be called from the main thread, once."""
    stopping = Stopping()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return stopping
