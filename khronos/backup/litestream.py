"""SQLite, copied by Litestream. A process of its own asks each question where the copies lie."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from khronos.backup import mend, program, sqlite
from khronos.backup.configured import has_socket
from khronos.backup.engine import (
    BackupFailed,
    Copy,
    NoCopy,
    NoRoom,
    Progress,
    Reader,
    Restored,
    first_moment,
    too_old,
)
from khronos.backup.scratch import scratch

WHOLE = 9  # Litestream's level of whole copies; below are changes, the lower the finer


def engine() -> "Litestream":
    return Litestream(str(Path(str(connection.settings_dict["NAME"])).absolute()))


class Litestream:
    kind = "sqlite"
    settles_s = 0.0  # ids are given out under the lock of the commit
    caveat = ""

    def __init__(self, live: str) -> None:
        self.live = live

    @property
    def late_s(self) -> float:
        return float(settings.BACKUP_STALE_S)

    def goes_to(self) -> str:
        beside = _("a folder beside the database: a lost disk loses both")
        return settings.BACKUP_REPLICA_URL or beside

    def list_copies(self) -> list[Copy]:
        return sorted(self.copies("all"), key=lambda copy: (copy.position, copy.kind))

    def copies(self, level: str) -> list[Copy]:
        said = program.answer(
            "ltx", "-level", level, "-json", self.live, timeout_s=settings.BACKUP_PATIENCE_S
        )
        return [
            Copy(
                at=datetime.fromisoformat(each["timestamp"]),
                kind="whole" if each["level"] == WHOLE else "changes",
                size=each["size"],
                position=each["max_txid"],
            )
            for each in said or ()
        ]

    def age(self) -> float:
        """What was committed when this began has arrived, and there is a whole copy to which it belongs."""
        began = time.monotonic()
        if has_socket():
            self.sync_now(settings.BACKUP_PATIENCE_S)
            age_s = time.monotonic() - began
        else:
            age_s = self.age_of_newest()
        if not self.copies(str(WHOLE)):
            raise NoCopy(
                _("There is no whole copy where copies lie: it was emptied, or is another."),
                _("Litestream makes one when it starts: `make down` and `make up`"),
            )
        return age_s

    def age_of_newest(self) -> float:
        newest = max(self.copies("0"), key=lambda copy: copy.position, default=None)
        if newest is None:
            raise NoCopy(_("There is no copy yet."), _("`make up` starts Litestream, which makes one."))
        if newest.position >= program.newest_change(self.live):
            return 0.0
        return max(0.0, (datetime.now(UTC) - newest.at).total_seconds())

    def sync_now(self, timeout_s: float) -> float:
        program.sync(self.live, timeout_s)
        return 0.0

    def is_due(self) -> bool:
        """Litestream makes them by itself."""
        return False

    def make(self, progress: Progress) -> Copy:
        self.sync_now(settings.BACKUP_PATIENCE_S)
        progress(1.0)
        return self.list_copies()[-1]

    def replace(self) -> None:
        mend.replace()

    def room(self) -> tuple[int, int]:
        folder = Path(settings.BACKUP_FOLDER)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = [Path(self.live + end) for end in ("", "-wal")]
        needed = sum(file.stat().st_size for file in files if file.is_file())
        return needed, shutil.disk_usage(folder).free

    def insist_on_copy(self, at: datetime | None) -> None:
        self.plan(at, f"{self.live}.plan")

    def scratch(self) -> AbstractContextManager[str]:
        return scratch()

    def restore(self, to: str, at: datetime | None, progress: Progress) -> Restored:
        began = time.monotonic()
        plan = self.plan(at, f"{to}.plan")
        needed = max(sum(each["size"] for each in plan["files"]), self.room()[0])
        self.insist_on_room(needed, Path(to).parent)
        command = ("restore", "-txid", plan["max_txid"], "-integrity-check", "none", "-json", "-o", to)
        watched = [Path(f"{to}.tmp"), Path(to)]
        program.follow(
            *command, self.live, limit_s=settings.BACKUP_CHECK_MAX.total_seconds(),
            each=lambda: progress(min(0.99, size_of(watched) / max(needed, 1))),
        )  # fmt: skip
        Path(to).chmod(0o600)
        progress(1.0)
        newest = datetime.fromisoformat(plan["files"][-1]["timestamp"])
        return Restored(to, newest, plan["max_txid"], time.monotonic() - began)

    def plan(self, at: datetime | None, to: str) -> program.Answer:
        """Which copies it takes; that there are all of them is found out here."""
        moment = ("-timestamp", at.astimezone(UTC).isoformat(timespec="milliseconds")) if at else ()
        timeout_s = settings.BACKUP_PATIENCE_S
        if at is not None:
            timeout_s = max(timeout_s, 60.0)  # a bucket is asked for the time of each of its copies
        try:
            return program.answer(
                "restore", "-dry-run", "-json", *moment, "-o", to, self.live, timeout_s=timeout_s
            )
        except NoCopy:
            copies = self.list_copies()
            if at is None or not copies or at >= first_moment(copies):
                raise
            raise too_old(at, first_moment(copies)) from None

    def insist_on_room(self, needed: int, folder: Path) -> None:
        try:
            free = shutil.disk_usage(folder).free
        except OSError as error:
            raise BackupFailed(
                f"{folder}: {error.strerror}.", _("name a file in a folder that is there")
            ) from None
        if free < needed:
            raise NoRoom(
                _("A restored copy needs %(needed)s MB, and %(free)s MB are free in %(folder)s.")
                % {"needed": needed // 10**6 + 1, "free": free // 10**6, "folder": folder},
                _("make room there"),
            )

    def size(self, place: str) -> int:
        return Path(place).stat().st_size

    @contextmanager
    def opened(self, place: str) -> Iterator[Reader]:
        with sqlite.opened(place, is_live=place == self.live) as reader:
            yield reader

    def fingerprint(self, columns: Sequence[str]) -> str:
        return f"{sqlite.FINGERPRINT}({', '.join(columns)})"

    def complaints(self, place: str) -> list[str]:
        return sqlite.complaints(place)

    def write(self, place: str, statements: Sequence[str]) -> None:
        sqlite.write(place, statements)

    def keeps_at(self) -> str:
        return f"{self.live}.before-{datetime.now(UTC):%Y%m%d-%H%M%S}" if Path(self.live).exists() else ""

    def put_in_place(self, restored: str, kept: str) -> None:
        """Litestream's own notes go first: it begins anew after the last copy, and those before it stay."""
        sqlite.insist_on_nobody(self.live)
        shutil.rmtree(program.notes(self.live), ignore_errors=True)
        sqlite.put_in_place(restored, self.live, kept)


def size_of(files: list[Path]) -> int:
    sizes = []
    for file in files:
        try:
            sizes.append(file.stat().st_size)
        except OSError:
            continue
    return max(sizes, default=0)
