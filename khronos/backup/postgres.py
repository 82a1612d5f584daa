"""PostgreSQL, copied by dumps: whole copies at moments that are known (ADR 14)."""

import contextlib
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from psycopg.conninfo import make_conninfo

from khronos.backup import postgres_dumps as dumps
from khronos.backup import postgres_programs as programs
from khronos.backup import postgres_server as server
from khronos.backup.engine import BackupFailed, Copy, NoCopy, Progress, Reader, Restored

MISSED = 2  # intervals without a dump: one was missed
SAME = timedelta(seconds=1)  # `backup list` shows whole seconds
NAMED = 3  # copies beside the moment that was asked for


def engine() -> "Postgres":
    return Postgres(server.live())


class Postgres:
    kind = "postgresql"
    settles_s = 60.0  # a number is given out before the commit; a transaction of ours is never as long

    def __init__(self, live: str) -> None:
        self.live = live

    @property
    def late_s(self) -> float:
        return MISSED * settings.BACKUP_DUMP_EVERY.total_seconds()

    @property
    def caveat(self) -> str:
        minutes = round(settings.BACKUP_DUMP_EVERY.total_seconds() / 60)
        return _("a dump every %(n)s min: what is newer is not in it, moments between cannot be restored") % {
            "n": minutes
        }

    def goes_to(self) -> str:
        return str(dumps.folder())

    def list_copies(self) -> list[Copy]:
        with dumps.explained():
            return [Copy(each.at, "whole", each.size, each.position) for each in dumps.found()]

    def age(self) -> float:
        """Of the newest dump; what keeps the next from being made is told before it is late."""
        made = self.list_copies()
        kind = BackupFailed if made else NoCopy
        if found := dumps.why_none():
            raise kind(*found)
        if not made:
            raise NoCopy(_("There is no copy yet."), _("`python manage.py backup make` makes one"))
        return max(0.0, (datetime.now(UTC) - made[-1].at).total_seconds())

    def sync_now(self, timeout_s: float) -> float:
        age_s = self.age()
        if age_s > self.late_s:
            raise BackupFailed(
                _("No dump was made for %(n)s min.") % {"n": round(age_s / 60)},
                _("`make ps`: do beat and worker run? `python manage.py backup make` makes one"),
            )
        return age_s

    def is_due(self) -> bool:
        return dumps.is_due()

    def make(self, progress: Progress) -> Copy:
        made = dumps.make(self.live, progress)
        return Copy(made.at, "whole", made.size, made.position)

    def room(self) -> tuple[int, int]:
        """A dump lies here, and a restored copy on the server, whose disk cannot be asked."""
        with dumps.explained():
            dumps.folder().mkdir(mode=0o700, parents=True, exist_ok=True)
            return 0, shutil.disk_usage(dumps.folder()).free

    def insist_on_copy(self, at: datetime | None) -> None:
        self.chosen(at)
        programs.program("pg_restore")

    def chosen(self, at: datetime | None) -> dumps.Dump:
        with dumps.explained():
            made = dumps.found()
        if not made:
            raise NoCopy(_("There is no copy yet."), _("`python manage.py backup make` makes one"))
        if at is None:
            return made[-1]
        near = sorted(made, key=lambda each: abs(each.at - at))[:NAMED]
        if abs(near[0].at - at) < SAME:
            return near[0]
        moments = ", ".join(f"{each.at.astimezone():%Y-%m-%d %H:%M:%S%z}" for each in near)
        raise NoCopy(
            _("Only the moments of dumps can be restored. The nearest: %(moments)s.") % {"moments": moments},
            _("take one of them with --at; `python manage.py backup list` shows all"),
        )

    @contextmanager
    def scratch(self) -> Iterator[str]:
        """A database of its own on the same server."""
        place = server.named("_restored", self.live)
        with server.alone(place) as is_alone:
            if not is_alone:
                raise BackupFailed(_("Another restore or trial is under way."), _("wait until it has ended"))
            server.drop(place)
            try:
                yield place
            finally:
                server.drop(place)

    def restore(self, to: str, at: datetime | None, progress: Progress) -> Restored:
        began = time.monotonic()
        dump = self.chosen(at)
        server.make(to, like=self.live)
        try:
            self.fill(to, dump, progress)
        except BaseException:
            server.drop(to)
            raise
        progress(1.0)
        return Restored(to, dump.at, dump.position, time.monotonic() - began)

    def fill(self, to: str, dump: dumps.Dump, progress: Progress) -> None:
        likely = server.size(self.live) if server.exists(self.live) else dump.size * 5

        def told() -> None:
            with contextlib.suppress(BackupFailed):
                progress(min(0.99, server.size(to) / max(likely, 1)))

        programs.follow(
            "pg_restore", "--exit-on-error", "--no-owner", "--no-privileges", "--no-comments", "--jobs=2",
            f"--dbname={make_conninfo(dbname=to)}", str(dump.path),
            limit_s=settings.BACKUP_CHECK_MAX.total_seconds(), each=told,
        )  # fmt: skip

    def size(self, place: str) -> int:
        return server.size(place)

    def opened(self, place: str) -> AbstractContextManager[Reader]:
        return server.opened(place)

    def fingerprint(self, columns: Sequence[str]) -> str:
        return f"(hashtextextended(ROW({', '.join(columns)})::text, 0) & 4294967295)"

    def complaints(self, place: str) -> list[str]:
        return server.complaints(place)

    def write(self, place: str, statements: Sequence[str]) -> None:
        server.write(place, statements)

    def keeps_at(self) -> str:
        stamp = f"_before_{datetime.now(UTC):%Y%m%d_%H%M%S}"
        return server.named(stamp, self.live) if server.exists(self.live) else ""

    def put_in_place(self, restored: str, kept: str) -> None:
        """This process's own connections go first."""
        connection.close()
        if pool := getattr(connection, "pool", None):
            pool.close()
        server.swap(restored, self.live, kept)
