"""What this process counts, in a file of its own under KHRONOS_HOME/run/metrics (docs/metrics.md).

The file is locked for as long as its process lives, so that others know when it is dead, whatever became of
its number. It gets its place on the disk when it is made: a full disk then costs counts, and no process.
"""

import contextlib
import errno
import fcntl
import json
import logging
import os
import secrets
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from prometheus_client.mmap_dict import MmapedDict

from khronos.observability.folding import LIVE, tidy

RESERVED_BYTES = 256 * 1024  # some 2,000 numbers; a file that outgrows it doubles
ENTRY_BYTES = 28  # of a number beside its name, at most

log = logging.getLogger(__name__)


class Numbers(MmapedDict):
    """A file that has its place on the disk also where it has grown: a hole that the full disk cannot fill
    would be a SIGBUS at the next number.
    """

    def _init_value(self, key: str) -> None:
        if self._used + len(key.encode()) + ENTRY_BYTES > self._capacity:
            try:
                reserve(self._f, self._capacity)
            except OSError:
                self._f.truncate(self._capacity)
                raise
        super()._init_value(key)  # type: ignore[no-untyped-call]


def reserve(file: IO[bytes], size: int) -> None:
    """At its end, which is where a file that is open for appending is written."""
    if os.write(file.fileno(), bytes(size)) < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Sheet:
    """The file of this process, made with the first number that is counted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        self.values: list[Value] = []
        self.numbers: Numbers | None = None
        self.held: IO[bytes] | None = None
        self.is_refused = False
        os.register_at_fork(after_in_child=self.begin_anew)

    def write(self, key: str, number: float) -> None:
        """The lock is held. Whoever counts has a message in hand: nothing is raised."""
        if self.numbers is None and not self.open():
            return
        try:
            self.numbers.write_value(key, number, 0.0)  # type: ignore[union-attr]
        except OSError as error:
            self.refuse("a number is not counted here", error)

    def open(self) -> bool:
        """Under another name until it is locked: nobody may take it for a dead process's."""
        if self.is_refused:
            return False
        name = f"{os.getpid()}-{secrets.token_hex(6)}"  # numbers of processes come again
        draft = self.folder / f".{name}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.held = draft.open("w+b")
            fcntl.flock(self.held, fcntl.LOCK_EX)
            self.held.write(bytes(RESERVED_BYTES))
            self.held.flush()
            path = draft.rename(self.folder / f"{name}.db")
            self.numbers = Numbers(str(path))  # type: ignore[no-untyped-call]
            tidy(self.folder)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            self.refuse("nothing is counted here", error)
        return self.numbers is not None

    def refuse(self, what: str, error: OSError) -> None:
        if not self.is_refused:
            log.warning(what, extra={"error": str(error)})
        self.is_refused = True

    def begin_anew(self) -> None:
        """A fork: what the parent has counted is in the parent's file."""
        self.lock = threading.Lock()
        self.numbers = self.held = None
        self.is_refused = False
        for value in self.values:
            value.number = 0.0


class Value:
    """One number, as prometheus_client's metrics want theirs."""

    _multiprocess = True
    sheet: Sheet

    def __init__(
        self,
        kind: str,
        metric: str,
        name: str,
        labels: Sequence[str],
        values: Sequence[str],
        _help: str,
        **_: Any,
    ) -> None:
        how_long = [LIVE] if kind == "gauge" else []
        self.key = json.dumps([metric, name, list(zip(labels, values, strict=True)), *how_long])
        self.number = 0.0
        self.sheet.values.append(self)

    def inc(self, amount: float) -> None:
        sheet = self.sheet
        with sheet.lock:
            self.number += amount
            sheet.write(self.key, self.number)

    def set(self, value: float, timestamp: float | None = None) -> None:
        with self.sheet.lock:
            self.number = value
            self.sheet.write(self.key, value)

    def get(self) -> float:
        return self.number

    def set_exemplar(self, _exemplar: object) -> None:
        """Kept by nobody."""

    def get_exemplar(self) -> None:
        """None is kept."""


class Uncounted(Value):
    """With OBSERVABILITY=off."""

    def inc(self, amount: float) -> None:
        """Costs a call."""

    def set(self, value: float, timestamp: float | None = None) -> None:
        """Costs a call."""


def values_on(sheet: Sheet, is_on: bool) -> type[Value]:
    return type("Counted", (Value if is_on else Uncounted,), {"sheet": sheet})
