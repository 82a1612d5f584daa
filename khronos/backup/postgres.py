"""PostgreSQL, copied by dumps, and by its journal where BACKUP_JOURNAL says so (ADR 14)."""

import contextlib
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from psycopg.conninfo import make_conninfo

from khronos.backup import mend
from khronos.backup import postgres_bases as bases
from khronos.backup import postgres_contents as contents
from khronos.backup import postgres_dumps as dumps
from khronos.backup import postgres_journal as journal
from khronos.backup import postgres_private as private
from khronos.backup import postgres_programs as programs
from khronos.backup import postgres_server as server
from khronos.backup import postgres_slot as slot
from khronos.backup.engine import (
    BackupFailed,
    Copy,
    NoCopy,
    Progress,
    Reader,
    Restored,
    first_moment,
    too_old,
)
from khronos.backup.shelf import explained, folder

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
        if settings.BACKUP_JOURNAL:
            return float(settings.BACKUP_STALE_S)
        return MISSED * settings.BACKUP_DUMP_EVERY.total_seconds()

    @property
    def caveat(self) -> str:
        with contextlib.suppress(BackupFailed):
            if settings.BACKUP_JOURNAL and journal.has_base():
                return ""
        minutes = round(settings.BACKUP_DUMP_EVERY.total_seconds() / 60)
        return _("a dump every %(n)s min: what is newer is not in it, moments between cannot be restored") % {
            "n": minutes
        }

    def goes_to(self) -> str:
        return dumps.shelf().where()

    def list_copies(self) -> list[Copy]:
        with explained():
            made = [Copy(each.at, "dump", each.size, each.position) for each in dumps.found()]
            found = journal.bases()
            made += [Copy(base.at, "whole", journal.size(base), base.era) for base in found]
            for base in found[-1:]:
                size = sum(piece.size for piece in journal.pieces(base.era))
                made.append(Copy(max(base.at, journal.end(base)), "changes", size, base.era))
            return sorted(made, key=lambda copy: copy.at)

    def age(self) -> float:
        """Of the journal or the newest dump; what keeps the next from being made is told at once."""
        made = dumps.found()
        kind = BackupFailed if made else NoCopy
        if found := dumps.why_none(dumps.DUMP):
            raise kind(*found)
        if settings.BACKUP_JOURNAL:
            age_s = journal.arrive(journal.ARRIVES_S)
            if not journal.has_base():
                raise NoCopy(_("There is no base backup yet."), _("`python manage.py backup make` makes one"))
            return age_s
        if not made:
            raise NoCopy(_("There is no copy yet."), _("`python manage.py backup make` makes one"))
        return max(0.0, (datetime.now(UTC) - made[-1].at).total_seconds())

    def sync_now(self, timeout_s: float) -> float:
        if settings.BACKUP_JOURNAL:
            journal.arrive(timeout_s)
            return 0.0
        age_s = self.age()
        if age_s > self.late_s:
            raise BackupFailed(
                _("No dump was made for %(n)s min.") % {"n": round(age_s / 60)},
                _("`make ps`: do beat and worker run? `python manage.py backup make` makes one"),
            )
        return age_s

    def is_due(self) -> bool:
        return dumps.is_due(self.dump_every()) or (
            settings.BACKUP_JOURNAL and journal.is_due() and slot.is_received()
        )

    def dump_every(self) -> timedelta:
        """Seldom where the journal is kept: then they are for other versions and machines."""
        if settings.BACKUP_JOURNAL and journal.has_base():
            return settings.BACKUP_WHOLE_EVERY
        return settings.BACKUP_DUMP_EVERY

    def replace(self) -> None:
        """By the next task: the dump, and with the journal a base, which begins anew after the damage."""
        if mend.is_time(mend.WHOLE_APART, of="replaced_at"):
            mend.ring()

    def make(self, progress: Progress) -> Copy:
        made = dumps.make(self.live, progress)
        if settings.BACKUP_JOURNAL:
            bases.make(progress)
        return Copy(made.at, "whole", made.size, made.position)

    def room(self) -> tuple[int, int]:
        """A dump lies here or is fetched; a restored copy lies on the server, whose disk cannot be asked."""
        fetched = dumps.found() if settings.BACKUP_REPLICA_URL else []
        with explained():
            folder().mkdir(mode=0o700, parents=True, exist_ok=True)
            return max((each.size for each in fetched), default=0), shutil.disk_usage(folder()).free

    def insist_on_copy(self, at: datetime | None) -> None:
        source = self.chosen(at)
        programs.program("pg_restore")
        if isinstance(source, journal.Base):
            programs.program("postgres", exactly=True)

    def chosen(self, at: datetime | None) -> "dumps.Dump | journal.Base":
        """A dump of that very moment, else the journal, which has the newest state where it is kept."""
        with explained():
            base, made = journal.chosen(at), dumps.found()
        if base and at is None and (not made or journal.end(base) >= made[-1].at):
            return base
        if not made:
            raise NoCopy(_("There is no copy yet."), _("`python manage.py backup make` makes one"))
        if at is None:
            return made[-1]
        near = sorted(made, key=lambda each: abs(each.at - at))[:NAMED]
        if abs(near[0].at - at) < SAME:
            return near[0]
        if base:
            return base
        copies = self.list_copies()
        if at < copies[0].at and any(copy.kind == "whole" for copy in copies):
            raise too_old(at, first_moment(copies))
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
        if server.exists(to):
            raise BackupFailed(_("%(file)s is there already.") % {"file": to}, _("name another database"))
        source = self.chosen(at)
        if isinstance(source, journal.Base):
            with (
                journal.at_hand(source) as base,
                private.brought_to(base, at) as reached,
                private.dump_of(reached, self.live) as file,
            ):
                self.fill(to, file, progress)
            reached_at, position = reached.at, reached.position
        else:
            with dumps.shelf().at_hand(source.name) as file:
                self.fill(to, file, progress)
            reached_at, position = source.at, source.position
        progress(1.0)
        return Restored(to, reached_at, position, time.monotonic() - began)

    def fill(self, to: str, dump: Path, progress: Progress) -> None:
        """Whole, or it is not there."""
        server.make(to, like=self.live)
        try:
            self.read_into(to, dump, progress)
        except BaseException:
            server.drop(to)
            raise

    def read_into(self, to: str, dump: Path, progress: Progress) -> None:
        likely = server.size(self.live) if server.exists(self.live) else dump.stat().st_size * 5

        def told() -> None:
            with contextlib.suppress(BackupFailed):
                progress(min(0.99, server.size(to) / max(likely, 1)))

        with contents.selection(dump, to) as chosen:
            programs.follow(
                "pg_restore", "--exit-on-error", "--no-owner", "--no-privileges", "--no-comments", "--jobs=2",
                *chosen, f"--dbname={make_conninfo(dbname=to)}", str(dump),
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
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's has it
        server.swap(restored, self.live, kept)
