"""The supervisor's roster as this home keeps it (khronos/resilience/roster.py reads it for everybody)."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

import psutil

from khronos.launch.home import Home, write
from khronos.resilience.identity import survivors
from khronos.resilience.roster import FROZEN, SUPERVISOR, Entry, Row, memory_mb, read, rows, supervisor

__all__ = [
    "FROZEN",
    "SUPERVISOR",
    "Entry",
    "Row",
    "forget",
    "left_over",
    "load",
    "memory_mb",
    "rows",
    "save",
    "supervisor",
]


def save(home: Home, entries: Sequence[Entry]) -> None:
    write(home.state, json.dumps([asdict(entry) for entry in entries], indent=1))


def load(home: Home) -> list[Entry]:
    return read(home.state)


def forget(home: Home) -> None:
    home.state.unlink(missing_ok=True)


def left_over(home: Home, entries: Iterable[Entry]) -> list[psutil.Process]:
    """Processes of a supervisor that died without stopping them."""
    leaders = [entry.identity for entry in entries if entry.identity and entry.name != SUPERVISOR]
    mark = str(home.path)
    return survivors(leaders, lambda process: process.environ().get("KHRONOS_HOME") == mark)
