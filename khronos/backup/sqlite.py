"""SQLite files: read, judged page by page, and put in place of another."""

import os
import shutil
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from django.utils.translation import gettext as _

from khronos.backup.engine import BackupFailed

FINGERPRINT = "khronos_fingerprint"
MOST = 20  # complaints; one is enough
BUSY_S = 10.0


@contextmanager
def opened(place: str, *, is_live: bool) -> Iterator[sqlite3.Connection]:
    """What nobody writes to is read as it lies: without a journal beside it, and none is made."""
    mode = "mode=ro" if is_live else "mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(
            f"file:{quote(place)}?{mode}", uri=True, timeout=BUSY_S, isolation_level=None
        )
    except sqlite3.Error as error:
        raise BackupFailed(f"{place}: {error}", _("see that it is there and may be read")) from None
    with closing(connection):
        connection.create_function(FINGERPRINT, -1, fingerprint, deterministic=True)
        yield connection


def fingerprint(*values: object) -> int:
    crc = 0
    for value in values:
        as_bytes = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        crc = zlib.crc32(as_bytes, zlib.crc32(b"\0", crc))
    return crc


def complaints(place: str) -> list[str]:
    try:
        with opened(place, is_live=False) as connection:
            pages = connection.execute(f"PRAGMA integrity_check({MOST})").fetchall()
            found = [str(row[0]) for row in pages if row[0] != "ok"]
            keys = connection.execute("PRAGMA foreign_key_check").fetchmany(MOST)
            found += [f"{table} {row}: → {parent}" for table, row, parent, _key in keys]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return found


def write(place: str, statements: Sequence[str]) -> None:
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        connection.execute("COMMIT")


def put_in_place(restored: str, live: str, kept: str) -> None:
    """At every moment there is a whole database under its name: the old one or the new one."""
    draft = f"{live}.restored"
    shutil.move(restored, draft)  # perhaps from another disk
    with open(draft, "rb") as file:
        os.fsync(file.fileno())
    for end in ("", "-wal"):
        if kept and Path(live + end).exists():
            os.link(live + end, kept + end)
            os.chmod(kept + end, 0o600)
    for end in ("-wal", "-shm"):  # beside another database they would destroy it
        Path(live + end).unlink(missing_ok=True)
    os.replace(draft, live)
    folder = os.open(os.path.dirname(live), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def insist_on_nobody(live: str) -> None:
    """Its journal is folded into the file. One that is damaged stays as it is; one in use is refused."""
    if not Path(live).exists():
        return
    try:
        with closing(sqlite3.connect(live, timeout=0.5, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise BackupFailed(
                _("The database is in use: %(why)s") % {"why": error},
                _("`make down`, and end other programs that hold it"),
            ) from None
    except sqlite3.DatabaseError:
        return
