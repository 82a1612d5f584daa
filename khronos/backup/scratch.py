"""A place to restore into. It is gone afterwards; what a killed life left goes before the next."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from khronos.backup.engine import BackupFailed


@contextlib.contextmanager
def scratch() -> Iterator[str]:
    """One at a time: two would need room for two."""
    folder = Path(settings.BACKUP_FOLDER) / "scratch"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder.with_name("scratch.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupFailed(
                _("Another restore or trial is under way."), _("wait until it has ended")
            ) from None
        empty(folder)
        try:
            yield str(folder / "restored.sqlite3")
        finally:
            empty(folder)
    finally:
        os.close(lock)


def empty(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
