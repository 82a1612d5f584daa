"""One supervised process: how it is started, watched and ended. Knows nothing of what runs in it."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from khronos.resilience.identity import Identity
from khronos.resilience.restart_policy import RestartPolicy

PR_SET_PDEATHSIG = 1


class State(StrEnum):
    WAITING = "waiting"  # for its turn, or for its next start
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"  # given up


@dataclass(frozen=True)
class Spec:
    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    start_wave: int = 0  # a wave starts when all of the wave before is up
    stop_wave: int = 0
    is_up: Callable[[], bool] | None = None  # asked until it says yes; None: up once started
    pulse: Callable[[], object] | None = None  # changes while the process is alive; None: no heartbeat known
    memory_is_limited: bool = True
    stop_signal: int = signal.SIGTERM
    policy: RestartPolicy = field(default_factory=RestartPolicy)


def die_with_parent(parent: int) -> Callable[[], None]:
    """Run in the child before exec: the kernel ends it when the supervisor is gone, however that ended.

    Only where the supervisor has one thread: the signal belongs to the thread that started the child.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def prepare() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it died between fork and prctl
                os._exit(1)

    return prepare


def is_dead(pid: int) -> bool:
    """Without taking the body away: as long as nobody waits for it, its number belongs to it."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


class Process:
    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.state = State.WAITING
        self.restarts = 0
        self.failed_starts = 0
        self.due = 0.0  # monotonic time of the next start
        self.started = 0.0  # monotonic
        self.kill_at = 0.0  # monotonic; the end of patience with a stop
        self.identity: Identity | None = None
        self.reason = ""  # of the last death, until it has lived long enough to be well again
        self.pulse: object = None
        self.has_pulse = False
        self.pulse_at = 0.0  # monotonic time of the last change of the pulse
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def alive(self) -> bool:
        return self._popen is not None

    @property
    def pid(self) -> int | None:
        return self._popen.pid if self._popen else None

    def start(self, now: float) -> None:
        """Raises OSError when there is no such program."""
        self.started, self.pulse_at, self.has_pulse = now, now, False
        self.pulse = self.spec.pulse() if self.spec.pulse else None  # what the life before left
        with self.spec.log.open("ab") as log:
            self._popen = subprocess.Popen(
                self.spec.command,
                env=dict(self.spec.env),
                cwd=self.spec.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a terminal's Ctrl-C reaches the supervisor alone
                preexec_fn=die_with_parent(os.getpid()),  # noqa: PLW1509 (we have one thread)
            )
        self.identity = Identity.of(self._popen.pid)
        self.state = State.STARTING if self.spec.is_up else State.RUNNING

    def reap(self) -> str | None:
        """How it died, once; None while it lives."""
        if self._popen is None or not is_dead(self._popen.pid):
            return None
        self.kill()  # what it leaves in its session holds ports and locks; until wait() the number is its own
        code = self._popen.wait()
        self._popen = None
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def ask_to_stop(self, now: float, hard_stop_s: float) -> None:
        self.state = State.STOPPING
        self.kill_at = now + hard_stop_s
        if self._popen is not None:
            # Not send_signal(): that takes a dead one's body away.
            os.kill(self._popen.pid, self.spec.stop_signal)

    def kill(self) -> None:
        """End the whole session at once, children of children included."""
        if self._popen is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)

    def is_settled(self, now: float) -> bool:
        return now - self.started >= self.spec.policy.failed_start_s

    def excuse(self, missed_s: float) -> None:
        """Time in which nobody looked, and in which it may have stood still as well, counts for nothing."""
        self.pulse_at += missed_s
        self.kill_at += missed_s
        self.started += missed_s

    def silent_s(self, now: float) -> float:
        """Since the last sign of life; 0 without any. The file's time is not used: clocks jump."""
        pulse = self.spec.pulse() if self.spec.pulse else None
        if pulse != self.pulse:
            self.pulse, self.pulse_at, self.has_pulse = pulse, now, True
        return now - self.pulse_at if self.has_pulse else 0.0
