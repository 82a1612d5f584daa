"""KHRONOS_HOME: one folder, one instance."""

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from khronos.exceptions import Misconfigured
from khronos.resilience import roster
from settings import dotenv

LEAST_FREE_MB = 50
FOLDERS = ("run", "logs", "backup", "valkey")


@dataclass(frozen=True)
class Home:
    path: Path

    @classmethod
    def configured(cls) -> "Home":
        return cls(Path(os.path.abspath(dotenv.home(dotenv.given()))))

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def state(self) -> Path:
        return roster.of_home(self.path)

    @property
    def ports(self) -> Path:
        return self.path / "ports.env"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets.env"

    def log_of(self, name: str) -> Path:
        return self.path / "logs" / f"{name}.log"

    def make(self) -> None:
        with explained(self.path):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in FOLDERS:
                (self.path / name).mkdir(mode=0o700, exist_ok=True)
            write(self.run / "probe", "can this folder be written?\n")
            (self.run / "probe").unlink()
            free_mb = shutil.disk_usage(self.path).free / 1e6
        if free_mb < LEAST_FREE_MB:
            raise Misconfigured(
                f"Only {free_mb:.0f} MB are free where KHRONOS_HOME lies ({self.path}).\n"
                f"  Fix: make room, or set KHRONOS_HOME to a folder on another disk."
            )

    def lock(self) -> int | None:
        """A descriptor that says "in use" while it is open, across exec too; None: somebody has it."""
        with explained(self.path):
            descriptor = os.open(self.run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """What the operating system refuses, in words that name the fix."""
    try:
        yield
    except OSError as error:
        raise Misconfigured(why(error, path)) from None


def why(error: OSError, path: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of KHRONOS_HOME ({path}) is full.\n  Fix: make room, then start again."
    return (
        f"KHRONOS_HOME ({path}) cannot be written: {error.strerror}.\n"
        f"  Fix: make it writable for this user, or set KHRONOS_HOME to another folder."
    )


def write(path: Path, text: str) -> None:
    """Whole or not at all, and for this user's eyes only."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
