"""Some writers go first, across the processes of one machine; the others wait a little, never for ever.

A database with one writer at a time serves whoever asks at the right moment: a process that writes all the
time keeps those out who ask in between. A lock on a file tells who waits, and ends with its process.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

LOOK_EVERY_S = 0.001


class Courtesy:
    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _file(self) -> int:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def first(self) -> Iterator[None]:
        with suppress(OSError):  # a courtesy less
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        try:
            yield
        finally:
            with suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def after_you(self, most_s: float) -> None:
        """Until nobody wants to go first, or for so long."""
        end = time.monotonic() + most_s
        while self.is_wanted() and time.monotonic() < end:
            time.sleep(LOOK_EVERY_S)

    def is_wanted(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        fcntl.flock(self._file, fcntl.LOCK_UN)
        return False
