"""The newest copy restored on trial: a copy is worth what can be had of it. What came of it is kept."""

import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from khronos.alerts import raise_alert, resolve_alert
from khronos.backup.engine import BackupFailed, Engine, Incomplete, Progress, engine, nobody
from khronos.backup.verify import verify
from khronos.models import BackupCheck
from settings.dotenv import ROOT

INVALID = "backup.invalid"
NICE = ("nice", "-n", "19")  # answers come first
MARGIN_S = 60.0


def try_newest(progress: Progress = nobody) -> BackupCheck:
    copies, check, is_damaged = engine(), BackupCheck.objects.begin(), False
    try:
        attempt(copies, check, progress)
        is_damaged = not check.ok
    except BackupFailed as error:
        check.end(ok=False, verdict=error.told[:2000])
        is_damaged = isinstance(error, Incomplete)
    if is_damaged:
        copies.replace()
    if check.ok:
        resolve_alert(INVALID)
    else:
        raise_alert(INVALID, "error", check.verdict)
    return check


def attempt(copies: Engine, check: BackupCheck, progress: Progress) -> None:
    begun = datetime.now(UTC)
    with copies.scratch() as place:
        restored = copies.restore(place, None, progress)
        judging = time.monotonic()
        verdict = verify(copies, place, begun=begun, until=restored.at)
        check.end(
            ok=verdict.ok,
            verdict=str(verdict)[:2000],
            position=restored.position,
            copied_at=restored.at,
            size=copies.size(place),
            rows=verdict.rows,
            restored_s=round(restored.took_s, 3),
            judged_s=round(time.monotonic() - judging, 3),
        )


def in_a_process(deed: str, limit_s: float) -> int:
    """For a worker: its memory stays its own, and whoever waits for an answer goes first."""
    command = [sys.executable, str(Path(ROOT) / "manage.py"), "backup", deed, "--quiet"]
    if shutil.which(NICE[0]):
        command = [*NICE, *command]
    done = subprocess.run(command, cwd=ROOT, timeout=limit_s, check=False, stdin=subprocess.DEVNULL)
    return done.returncode


def make_in_a_process() -> int:
    """Why it went wrong is kept with the copies, and told by whoever watches them."""
    return in_a_process("make", settings.BACKUP_CHECK_MAX.total_seconds() + MARGIN_S)


def try_in_a_process() -> int:
    limit_s = settings.BACKUP_CHECK_MAX.total_seconds() * 2 + MARGIN_S
    try:
        return in_a_process("verify", limit_s)
    except subprocess.TimeoutExpired:
        raise_alert(INVALID, "error", f"The trial of the backup did not end within {limit_s / 60:.0f} min.")
        return 1
