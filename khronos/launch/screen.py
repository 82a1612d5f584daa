"""What the operator sees: one short line a step, coloured in a terminal, plain in a pipe."""

import contextlib
import os
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text


class Screen:
    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.lively = self.console.is_terminal and not os.environ.get("CI")

    def done(self, text: str) -> None:
        self._line("✓", "green", text)

    def warn(self, text: str) -> None:
        self._line("⚠", "yellow", text)

    def fail(self, text: str) -> None:
        self._line("✗", "red", text)

    def say(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style=style))

    def _line(self, sign: str, colour: str, text: str) -> None:
        self.console.print(Text.assemble((f"{sign} ", colour), text))

    @contextlib.contextmanager
    def busy(self, text: str) -> Iterator[None]:
        """A spinner while something takes long. It has a thread: never around the start of a process."""
        with self.console.status(text) if self.lively else contextlib.nullcontext():
            yield
