"""Litestream started anew: only then it fills an emptied bucket, or replaces a damaged copy by a new one."""

import contextlib
import logging
from datetime import timedelta
from pathlib import Path

import psutil
from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from khronos.backup.configured import whole_wanted
from khronos.models import BackupState
from khronos.resilience import roster

KEEPER = "litestream"
APART = timedelta(minutes=5)
WHOLE_APART = timedelta(hours=6)  # each takes as much room as the database

log = logging.getLogger(__name__)


def fill(takes: timedelta) -> None:
    """No whole copy is there; one that is being made is left to it."""
    if is_time(max(APART, takes)):
        begin_anew("no whole copy is there")


def replace() -> None:
    """The newest copy is damaged, and all that follows it is worth nothing without it."""
    if is_time(WHOLE_APART):
        whole_wanted().touch()
        begin_anew("the newest copy is damaged")


def is_time(apart: timedelta) -> bool:
    BackupState.now()
    long_ago = Q(mended_at=None) | Q(mended_at__lt=Now() - apart)
    return bool(BackupState.objects.filter(long_ago, pk=BackupState.ONLY).update(mended_at=Now()))


def begin_anew(why: str) -> None:
    for entry in roster.read(Path(settings.KHRONOS_HOME) / "run" / "processes.json"):
        process = entry.identity.process() if entry.name == KEEPER and entry.identity else None
        if process is not None:
            log.warning("litestream starts anew", extra={"reason": why})
            with contextlib.suppress(psutil.Error):
                process.terminate()
