"""Who writes log lines: to the files that all processes share, and to what the process prints to."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from khronos.observability import steps
from khronos.observability.clerk import Clerk
from khronos.observability.files import SharedFile

AUDIT = "khronos.audit"

type Told = tuple[logging.LogRecord, str]


class Lines(logging.Handler):
    """Steps are kept until their batch is made; every other line is there when it has been told."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.clerk = Clerk(self.write_all)

    def handle(self, record: logging.LogRecord) -> bool:
        try:
            told = record, f"{self.format(record)}\n"
        except Exception:
            self.handleError(record)
            return True
        if record.name == steps.LOGGER:
            self.clerk.keep(told)
        else:
            steps.flush()  # they were before it
            self.clerk.now(told)
        return True

    def flush(self) -> None:
        self.clerk.now()

    def write_all(self, batch: Sequence[Told]) -> None:
        try:
            self.write(batch)
        except Exception:
            self.handleError(batch[0][0])

    def write(self, batch: Sequence[Told]) -> None:
        """Nowhere."""


class Printed(Lines):
    def __init__(self, stream: TextIO, formatter: logging.Formatter) -> None:
        super().__init__(formatter)
        self.stream = stream

    def write(self, batch: Sequence[Told]) -> None:
        self.stream.write("".join([line for _, line in batch]))
        self.stream.flush()


class Files(Lines):
    """A line is made once, for all the files that it belongs to. What they do not take is printed."""

    def __init__(self, folder: Path, formatter: logging.Formatter, printed: Lines) -> None:
        super().__init__(formatter)
        self.printed = printed
        self.combined, self.error, self.critical, self.audit = (
            SharedFile(folder / f"{name}.log") for name in ("combined", "error", "critical", "audit")
        )

    def write(self, batch: Sequence[Told]) -> None:
        try:
            put(self.combined, batch)
            put(self.error, [told for told in batch if told[0].levelno >= logging.ERROR])
            put(self.critical, [told for told in batch if told[0].levelno >= logging.CRITICAL])
            put(self.audit, [told for told in batch if told[0].name == AUDIT])
        except OSError:  # what is to be printed anyway is not printed twice
            self.printed.clerk.now(*[told for told in batch if told[0].levelno < self.printed.level])


def put(file: SharedFile, batch: Sequence[Told]) -> None:
    if batch:
        file.write("".join([line for _, line in batch]).encode("utf-8", "replace"))
