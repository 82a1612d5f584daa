"""What runs on this machine, as the supervisor last wrote it down, checked against the operating system."""

import contextlib
import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from khronos.resilience.identity import Identity, session_members, uptime_s

SUPERVISOR = "supervisor"
FROZEN = "frozen"  # told to stand still: for the supervisor it runs
MIB = 2**20


@dataclass(frozen=True)
class Entry:
    name: str
    pid: int | None
    started: float  # seconds since the epoch; 0 where nothing runs
    state: str
    restarts: int

    @property
    def identity(self) -> Identity | None:
        return Identity(self.pid, self.started) if self.pid else None


@dataclass(frozen=True)
class Row:
    """One line of `ps`. The names are a contract."""

    name: str
    pid: int | None
    state: str
    uptime_s: float
    rss_mb: float
    restarts: int


def of_home(home: Path) -> Path:
    """Where the supervisor of this home writes it down."""
    return home / "run" / "processes.json"


def read(path: Path) -> list[Entry]:
    with contextlib.suppress(OSError, ValueError, TypeError):
        return [Entry(**entry) for entry in json.loads(path.read_text("utf-8"))]
    return []


def supervisor(entries: Iterable[Entry]) -> psutil.Process | None:
    """The living supervisor; a number that went to a stranger is none."""
    for entry in entries:
        if entry.name == SUPERVISOR and entry.identity:
            return entry.identity.process()
    return None


def memory_mb(leaders: Iterable[int]) -> dict[int, float]:
    """Resident memory of each leader with all of its session."""
    sums = dict.fromkeys(leaders, 0.0)
    for session, process in session_members(sums):
        with contextlib.suppress(psutil.Error):
            sums[session] += process.memory_info().rss / MIB
    return sums


def rows(entries: Sequence[Entry]) -> list[Row]:
    """Live figures, not remembered ones."""
    if supervisor(entries) is None:
        return []
    leaders = [entry.pid for entry in entries if entry.pid and entry.name != SUPERVISOR]
    memory, frozen = memory_mb(leaders), frozen_sessions(leaders)
    return [row(entry, memory, frozen) for entry in entries]


def frozen_sessions(leaders: Iterable[int]) -> set[int]:
    """Those of which the leader or a child stands still."""
    return {session for session, process in session_members(leaders) if is_frozen(process)}


def is_frozen(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(process.status() == psutil.STATUS_STOPPED)
    return False


def row(entry: Entry, memory: Mapping[int, float], frozen: Container[int]) -> Row:
    process = entry.identity.process() if entry.identity else None
    if entry.identity is None or process is None:
        return Row(entry.name, None, entry.state, 0.0, 0.0, entry.restarts)
    used = own_mb(process) if entry.name == SUPERVISOR else memory[process.pid]
    uptime = round(uptime_s(entry.identity), 1)
    state = FROZEN if process.pid in frozen or is_frozen(process) else entry.state
    return Row(entry.name, process.pid, state, uptime, round(used, 1), entry.restarts)


def own_mb(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        return float(process.memory_info().rss / MIB)
    return 0.0
