"""Where commands show tables, bars and colours."""

from typing import Any

from rich.console import Console


def screen(out: Any, *, at_least: int = 0, soft_wrap: bool = True) -> Console:
    """`out` is a command's stdout, which is written to as a file is; `at_least` so many columns wide."""
    made = Console(file=out, highlight=False, soft_wrap=soft_wrap)
    if at_least:
        made.width = max(made.width, at_least)
    return made
