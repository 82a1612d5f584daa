"""Whether a pid is still the process it was: pids are used again, pairs of pid and start time are not."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import psutil

SAME_START_S = 0.05  # create_time() is computed from clock ticks and drifts a little on some systems


@dataclass(frozen=True)
class Identity:
    pid: int
    started: float  # seconds since the epoch, as the operating system tells it

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        with contextlib.suppress(psutil.Error):
            return cls(pid, psutil.Process(pid).create_time())
        return None

    def process(self) -> psutil.Process | None:
        """The process, unless it is gone, is only a zombie, or is a stranger under the same number."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < SAME_START_S
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        return None


def session_members(leaders: Iterable[int]) -> Iterator[tuple[int, psutil.Process]]:
    """All processes in the sessions of these leaders, the leaders too."""
    wanted = set(leaders)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            session = os.getsid(process.pid)
            if session in wanted and process.status() != psutil.STATUS_ZOMBIE:
                yield session, process


def survivors(leaders: Iterable[Identity], is_ours: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    """What is left of these processes and of their sessions. A doubtful one is left alone."""
    known = {identity.pid: identity for identity in leaders}
    found = []
    for session, process in session_members(known):
        with contextlib.suppress(psutil.Error):
            leader = known[session]
            ours = leader.process() is not None if process.pid == leader.pid else is_ours(process)
            if ours and process.create_time() > leader.started - 1:
                found.append(process)
    return found


def end(processes: list[psutil.Process], patience_s: float) -> list[psutil.Process]:
    """SIGTERM, patience, SIGKILL. Returns those that had to be killed."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGTERM)
    _gone, stubborn = psutil.wait_procs(processes, timeout=patience_s)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=2)
    return stubborn


def uptime_s(identity: Identity) -> float:
    return max(0.0, time.time() - identity.started)
