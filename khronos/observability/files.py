"""Log files that many processes write at once: whole lines, none lost, of bounded size (docs/logs.md).

A line is one write to a file that is open for appending, which the system does in one piece. Whoever finds
the file full turns it, under a lock; the others see that the name stands for another file, and open that.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

MAX_BYTES = 20_000_000
KEEP = 5  # older ones: name.1 is the youngest


class SharedFile:
    def __init__(self, path: Path, max_bytes: int = MAX_BYTES, keep: int = KEEP) -> None:
        self.path, self.max_bytes, self.keep = path, max_bytes, keep
        self._fd = -1
        self._inode = 0
        self._is_torn = False  # a full disk took half a line

    def write(self, line: bytes) -> None:
        """One thread at a time. Raises OSError when the line, or a part of it, could not be written."""
        self._look()
        if self._is_torn:
            line = b"\n" + line
        written = os.write(self._fd, line)
        self._is_torn = written < len(line)
        if self._is_torn:
            raise OSError(f"{self.path.name}: {written} of {len(line)} bytes written")

    def _look(self) -> None:
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            self._open()
            return
        if found.st_size >= self.max_bytes:
            self._turn()
            self._open()
        elif found.st_ino != self._inode:
            self._open()

    def _open(self) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.close()
        self._fd, self._inode = fd, os.fstat(fd).st_ino

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd, self._inode = -1, 0

    def _turn(self) -> None:
        """Who comes too late finds a file that is not full any more."""
        with locked(self.path.parent) as is_ours:
            if not is_ours or size(self.path) < self.max_bytes:
                return
            for number in range(self.keep - 1, 0, -1):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(self._aged(number), self._aged(number + 1))
            os.replace(self.path, self._aged(1))

    def _aged(self, number: int) -> str:
        return f"{self.path}.{number}"


def size(path: Path) -> int:
    """Of a file that whoever turned it may not have opened anew yet: none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Never waited for: whoever holds it may be stopped, and the file can grow meanwhile."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_ours = True
    except BlockingIOError:
        is_ours = False
    try:
        yield is_ours
    finally:
        os.close(descriptor)
