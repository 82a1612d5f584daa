"""The journal of a PostgreSQL server, received as it is written, and the bases that it continues (ADR 14).

An era is the life of our slot on the server: its journal has no gap. Whatever breaks that begins another.
"""

import json
import os
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from khronos.backup import postgres_dumps as dumps
from khronos.backup import postgres_programs as programs
from khronos.backup import postgres_server as server
from khronos.backup.engine import BackupFailed, NoCopy, Progress, Unreachable
from khronos.backup.shelf import explained, folder

ARRIVES_S = 8.0  # as long as Litestream is waited for
LOOK_EVERY_S = 0.05
HELD_MAX = (
    2 * 1024**3
)  # bytes that the server may keep for us: beyond that the database goes before its copies
SLOT = """
    SELECT active, restart_lsn >= %(position)s::pg_lsn, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)
    FROM pg_replication_slots WHERE slot_name = %(name)s AND wal_status <> 'lost'
"""


@dataclass(frozen=True, slots=True)
class Base:
    folder: Path
    at: datetime  # when it was done: earlier moments cannot be had of it

    @property
    def size(self) -> int:
        return sum(file.stat().st_size for file in self.folder.iterdir())

    @property
    def journal(self) -> Path:
        return self.folder.parent / "journal"

    def begins(self) -> tuple[int, int]:
        """Timeline and position from which the journal is needed."""
        manifest = json.loads((self.folder / "backup_manifest").read_bytes())
        first = manifest["WAL-Ranges"][0]
        high, low = first["Start-LSN"].split("/")
        return int(first["Timeline"]), (int(high, 16) << 32) + int(low, 16)


def slot() -> str:
    """One a database: a server may serve several."""
    return server.named(
        "_journal", "".join(each if each.isalnum() else "_" for each in server.live().lower())
    )


def eras() -> list[Path]:
    return sorted(folder().glob("era-*"))


def bases(era: Path | None = None) -> list[Base]:
    """The oldest first."""
    found = [path for each in ([era] if era else eras()) for path in sorted(each.glob("base-*[0-9]"))]
    return [
        Base(path, datetime.strptime(path.name.removeprefix("base-"), dumps.TIME).replace(tzinfo=UTC))
        for path in found
    ]


def prepare() -> list[str]:
    """The command that receives it. Where the slot or the folder is gone another era begins."""
    receiver = programs.program("pg_receivewal")
    with explained():
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        with server.opened(server.maintenance()) as found:
            known = found.execute(SLOT, {"position": "0/0", "name": slot()}).fetchone()
            if known is None or not eras():
                make_slot(found)
                (folder() / f"era-{datetime.now(UTC):{dumps.TIME}}").mkdir(mode=0o700)
        journal = eras()[-1] / "journal"
        journal.mkdir(mode=0o700, exist_ok=True)
    dumps.failure(dumps.JOURNAL).unlink(missing_ok=True)
    return [
        receiver, f"--slot={slot()}", "--synchronous", "--status-interval=2", "--no-password",
        f"--directory={journal}",
    ]  # fmt: skip


def make_slot(found: Any) -> None:
    drop_slot(found)
    found.execute("SELECT pg_create_physical_replication_slot(%s, true)", [slot()])


def drop_slot(found: Any) -> None:
    found.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
        " WHERE slot_name = %s AND NOT active", [slot()],
    )  # fmt: skip


def arrive(timeout_s: float) -> float:
    """Back when all that is committed by now lies in our folder; answers after how long."""
    began = time.monotonic()
    with server.opened(server.live()) as found:
        position, name = found.execute(
            "SELECT lsn::text, pg_walfile_name(lsn - 1) FROM pg_current_wal_flush_lsn() AS lsn"
        ).fetchone() or ("0/0", "")
        while True:
            row = found.execute(SLOT, {"position": position, "name": slot()}).fetchone()
            if row is not None and row[0] and row[1]:
                break
            if time.monotonic() - began > timeout_s:
                raise late(found, row)
            time.sleep(LOOK_EVERY_S)
    if not any(
        (era / "journal" / f"{name}{end}").exists() for era in eras()[-1:] for end in ("", ".partial")
    ):
        raise NoCopy(
            _("The journal is not where copies lie: it was emptied, or is another."), received_again()
        )
    return time.monotonic() - began


def late(found: Any, row: tuple[bool, bool, int] | None) -> BackupFailed:
    if row is not None and not row[0] and row[2] > HELD_MAX:
        drop_slot(found)
        return Unreachable(
            _("The journal was not received for long: the server keeps it for us no more."),
            received_again(),
        )
    if row is None or not row[0]:
        if known := dumps.why_none(dumps.JOURNAL):
            return BackupFailed(*known)
        return Unreachable(_("The journal of PostgreSQL is not being received."), received_again())
    return Unreachable(_("Copies do not arrive."), received_again())


def received_again() -> str:
    return _("`make ps`: does `journal` run? KHRONOS_HOME/logs/journal.log may say more")


def is_due() -> bool:
    newest = bases(eras()[-1])[-1:] if eras() else []
    return not newest or datetime.now(UTC) - newest[0].at >= settings.BACKUP_WHOLE_EVERY


def is_received() -> bool:
    """Where it may not be, only dumps are made."""
    with server.opened(server.maintenance()) as found:
        row = found.execute(SLOT, {"position": "0/0", "name": slot()}).fetchone()
        return bool(row and row[0])


def make_base(progress: Progress) -> Base:
    """From which the journal is replayed."""
    with explained(), dumps.making():
        arrive(ARRIVES_S)
        era = eras()[-1]
        draft = era / "base.part"
        shutil.rmtree(draft, ignore_errors=True)
        try:
            programs.follow(
                "pg_basebackup", f"--pgdata={draft}", "--format=tar", "--gzip",
                "--wal-method=none", "--no-slot",
                "--checkpoint=fast", "--no-password", limit_s=settings.BACKUP_CHECK_MAX.total_seconds(),
                each=lambda: progress(0.5),
            )  # fmt: skip
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        arrive(ARRIVES_S)
        base = Base(era / f"base-{datetime.now(UTC):{dumps.TIME}}", datetime.now(UTC))
        os.rename(draft, base.folder)
        forget()
        return base


def forget() -> None:
    """Bases that are not needed for the last BACKUP_KEPT_DAYS, and the journal before the oldest one."""
    made = bases()
    until = datetime.now(UTC) - settings.BACKUP_KEPT
    needed = [base for base, later in pairwise(made) if later.at > until] + made[-1:]
    for base in made:
        if base not in needed:
            shutil.rmtree(base.folder)
    for era in eras()[:-1]:
        if not bases(era):
            shutil.rmtree(era)
    for era in eras():
        for oldest in bases(era)[:1]:
            first = segment(oldest)
            for file in oldest.journal.iterdir():
                if len(file.stem) == len(first) and file.name[8:] < first[8:]:
                    file.unlink()


def segment(base: Base) -> str:
    timeline, position = base.begins()
    length = max((file.stat().st_size for file in base.journal.iterdir()), default=16 * 1024**2)
    return f"{timeline:08X}{position >> 32:08X}{(position & 0xFFFFFFFF) // length:08X}"


def chosen(at: datetime | None) -> Base | None:
    """The newest that is older than the moment, where its journal reaches that far."""
    fitting = [base for base in bases() if at is None or base.at <= at]
    if not fitting or (at is not None and fitting[-1].folder.parent != eras()[-1] and at > end(fitting[-1])):
        return None
    return fitting[-1]


def end(base: Base) -> datetime:
    """Of its journal: when something of it last arrived."""
    newest = max((file.stat().st_mtime for file in base.journal.iterdir()), default=0.0)
    return datetime.fromtimestamp(newest, UTC)
