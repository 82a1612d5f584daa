"""What the operator sees: one short line a step, coloured in a terminal, plain in a pipe. A log keeps it."""

import contextlib
import logging
import os
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text


class Terminal(Console):
    """One that may go away (`make up | head`, a closed window): what is supervised goes on without it."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


class Screen:
    def __init__(self, log: logging.Logger | None = None) -> None:
        self.console = Terminal(highlight=False, soft_wrap=True)
        self.lively = self.console.is_terminal and not os.environ.get("CI")
        self.log = log

    def done(self, text: str) -> None:
        self._line("✓", "green", text, logging.INFO)

    def warn(self, text: str) -> None:
        self._line("⚠", "yellow", text, logging.WARNING)

    def fail(self, text: str) -> None:
        self._line("✗", "red", text, logging.ERROR)

    def say(self, text: str, style: str = "") -> None:
        self._print(Text(text, style=style))

    def _line(self, sign: str, colour: str, text: str, level: int) -> None:
        self._print(Text.assemble((f"{sign} ", colour), text))
        if self.log is not None:
            self.log.log(level, text)

    def _print(self, text: Text) -> None:
        try:
            self.console.print(text)
        except OSError:  # a closed window, a full disk behind a pipe
            self.console.quiet = True

    @contextlib.contextmanager
    def busy(self, text: str) -> Iterator[None]:
        """A spinner while something takes long. It has a thread: never around the start of a process."""
        with self.console.status(text) if self.lively else contextlib.nullcontext():
            yield
