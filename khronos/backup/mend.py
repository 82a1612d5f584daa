"""A whole new copy: of PostgreSQL by a task, of SQLite by a new start of Litestream."""

import contextlib
import logging
from datetime import timedelta
from pathlib import Path

import psutil
from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from khronos.backup.configured import whole_wanted
from khronos.bus import doorbell
from khronos.models import BackupState
from khronos.resilience import roster

KEEPER = "litestream"
MAKE_TASK = "tasks.ops.make_copy"
APART = timedelta(minutes=5)
WHOLE_APART = timedelta(hours=6)  # each takes as much room as the database

log = logging.getLogger(__name__)


def fill(takes: timedelta) -> None:
    """No whole copy is there; one that is being made is left to it."""
    if is_time(max(APART, takes)):
        begin_anew("no whole copy is there")


def replace() -> None:
    """The newest copy is damaged, and all that follows it is worth nothing without it."""
    if is_time(WHOLE_APART, of="replaced_at"):
        whole_wanted().touch()
        begin_anew("the newest copy is damaged")


def is_time(apart: timedelta, of: str = "mended_at") -> bool:
    """For one of all who ask."""
    BackupState.now()
    long_ago = Q(**{of: None}) | Q(**{f"{of}__lt": Now() - apart})
    return bool(BackupState.objects.filter(long_ago, pk=BackupState.ONLY).update(**{of: Now()}))


def ring() -> None:
    """Whoever has the queue makes it."""
    doorbell.call(MAKE_TASK, "ops")


def begin_anew(why: str) -> None:
    """Only then Litestream fills an emptied bucket, or replaces a damaged copy."""
    for entry in roster.read(Path(settings.KHRONOS_HOME) / "run" / "processes.json"):
        process = entry.identity.process() if entry.name == KEEPER and entry.identity else None
        if process is not None:
            log.warning("litestream starts anew", extra={"reason": why})
            with contextlib.suppress(psutil.Error):
                process.terminate()
