"""Dumps of a PostgreSQL database, in a folder or a bucket: made, found, thinned out (ADR 14)."""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _
from psycopg.conninfo import make_conninfo

from khronos.backup import postgres_programs as programs
from khronos.backup import postgres_server as server
from khronos.backup.bucket import Bucket
from khronos.backup.engine import BackupFailed, NoRoom, Progress
from khronos.backup.shelf import DRAFT, Folder, Shelf, explained, folder

NAME = re.compile(r"(\d{8}T\d{6}\.\d{6})-([0-9A-F]+)_([0-9A-F]+)\.dump")
CENTURY = "2"  # so the names of dumps begin, and no other
TIME = "%Y%m%dT%H%M%S.%f"
DUMP, JOURNAL = "dump", "journal"  # what may have failed
EACH_KEPT = timedelta(days=1)  # after that the last of each day
SNAPSHOT = "SELECT pg_export_snapshot(), now(), pg_current_wal_lsn()::text"


@dataclass(frozen=True, slots=True)
class Dump:
    name: str
    at: datetime
    position: str  # in the server's journal
    size: int


def shelf() -> Shelf:
    url = settings.BACKUP_REPLICA_URL
    if not url:
        return Folder()
    if url.startswith("s3://"):
        return Bucket(url, settings.BACKUP_ENVIRONMENT)
    raise BackupFailed(
        _("PostgreSQL is not copied to %(url)s.") % {"url": url.partition("@")[2] or url},
        _("set LITESTREAM_REPLICA_URL to s3://bucket/path, or leave it empty for a folder"),
    )


def found() -> list[Dump]:
    """The oldest first."""
    named = [(NAME.fullmatch(thing.name), thing) for thing in shelf().things(CENTURY)]
    return [
        Dump(
            thing.name,
            datetime.strptime(match[1], TIME).replace(tzinfo=UTC),
            f"{match[2]}/{match[3]}",
            thing.size,
        )
        for match, thing in named
        if match
    ]


def is_due(every: timedelta) -> bool:
    """What went wrong is tried again without waiting for the next."""
    dumps = found()
    return not dumps or why_none(DUMP) is not None or datetime.now(UTC) - dumps[-1].at >= every


def make(place: str, progress: Progress) -> Dump:
    """One, whose moment is known. Why none could be made is kept until one can."""
    with explained(), making():
        clear()
        try:
            dump = written(place, progress)
        except BackupFailed as error:
            clear()
            keep(DUMP, error)
            raise
        failure(DUMP).unlink(missing_ok=True)
        for old in superfluous(found(), datetime.now(UTC)):
            shelf().remove(old.name)
        return dump


def clear() -> None:
    """What a killed one left, or one that went wrong."""
    for left in folder().glob(f"*{DRAFT}"):
        left.unlink()


def written(place: str, progress: Progress) -> Dump:
    likely = insist_on_room()
    with server.opened(place) as holder, holder.transaction():
        holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        snapshot, at, position = holder.execute(SNAPSHOT).fetchone() or ("", datetime.now(UTC), "0/0")
        path = folder() / f"{at.astimezone(UTC).strftime(TIME)}-{position.replace('/', '_')}.dump"
        draft = path.with_suffix(DRAFT)
        os.close(os.open(draft, os.O_CREAT | os.O_WRONLY, 0o600))
        programs.follow(
            "pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={draft}",
            f"--dbname={make_conninfo(dbname=place)}", limit_s=settings.BACKUP_CHECK_MAX.total_seconds(),
            each=lambda: progress(min(0.99, draft.stat().st_size / likely)),
        )  # fmt: skip
    size = draft.stat().st_size
    shelf().put(draft, path.name, progress)
    return Dump(path.name, at, position, size)


def insist_on_room() -> int:
    """Twice the last one: who fills the disk to its end takes it from everybody. Answers the likely size."""
    likely = max((dump.size for dump in found()[-1:]), default=1)
    free = shutil.disk_usage(folder()).free
    if free < 2 * likely:
        raise NoRoom(
            _("The next dump may need %(needed)s MB, and %(free)s MB are free in %(folder)s.")
            % {"needed": 2 * likely // 10**6 + 1, "free": free // 10**6, "folder": folder()},
            _("make room there"),
        )
    return likely


def superfluous(dumps: list[Dump], now: datetime) -> list[Dump]:
    """Each is kept for a day, the last of each day for BACKUP_KEPT_DAYS; the newest of all always."""
    last_of_day = {dump.at.date(): dump for dump in dumps}
    return [
        dump
        for dump in dumps[:-1]
        if now - dump.at > settings.BACKUP_KEPT
        or (now - dump.at > EACH_KEPT and last_of_day[dump.at.date()] is not dump)
    ]


def failure(of: str) -> Path:
    return folder() / f"{of}-failed.json"


def keep(of: str, error: BackupFailed) -> None:
    with suppress(OSError):  # on a full disk it is told by the age alone
        failure(of).write_text(json.dumps([str(error), error.fix]), "utf-8")


def why_none(of: str) -> tuple[str, str] | None:
    """Of the last try, where it failed: the reason and its fix."""
    try:
        reason, fix = json.loads(failure(of).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return str(reason), str(fix)


@contextmanager
def making() -> Iterator[None]:
    """One at a time."""
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder() / "making.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupFailed(_("A copy is being made already."), _("wait until it has ended")) from None
        yield
