"""Our slot on a PostgreSQL server: what of its journal was received, and what it keeps for us (ADR 14)."""

from typing import Any

from django.utils.translation import gettext as _

from khronos.backup import postgres_dumps as dumps
from khronos.backup import postgres_server as server
from khronos.backup.engine import BackupFailed, Unreachable

HELD_MAX = 2 * 1024**3  # bytes kept by the server for us: beyond that the database goes before its copies
CALL = "khronos_journal"  # a notification: bring away what is there
SLOT = """
    SELECT active, restart_lsn >= %(position)s::pg_lsn, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn),
        restart_lsn::text
    FROM pg_replication_slots WHERE slot_name = %(name)s AND wal_status <> 'lost'
"""


def name() -> str:
    """One a database: a server may serve several."""
    return server.named(
        "_journal", "".join(each if each.isalnum() else "_" for each in server.live().lower())
    )


def asked(found: Any, position: str = "0/0") -> tuple[bool, bool, int, str] | None:
    """Is it received, up to that position, and how many bytes are kept; None where there is no slot."""
    row: tuple[bool, bool, int, str] | None = found.execute(
        SLOT, {"position": position, "name": name()}
    ).fetchone()
    return row


def make(found: Any) -> None:
    drop(found)
    found.execute("SELECT pg_create_physical_replication_slot(%s, true)", [name()])


def drop(found: Any) -> None:
    found.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
        " WHERE slot_name = %s AND NOT active", [name()],
    )  # fmt: skip


def is_received() -> bool:
    """Where it may not be, only dumps are made."""
    with server.opened(server.maintenance()) as found:
        row = asked(found)
        return bool(row and row[0])


def late(found: Any) -> BackupFailed:
    """Why it does not arrive."""
    row = asked(found)
    if row is not None and not row[0] and row[2] > HELD_MAX:
        drop(found)
        return Unreachable(
            _("The journal was not received for long: the server keeps it for us no more."),
            received_again(),
        )
    if known := dumps.why_none(dumps.JOURNAL):
        return BackupFailed(*known)
    if row is None or not row[0]:
        return Unreachable(_("The journal of PostgreSQL is not being received."), received_again())
    return Unreachable(_("Copies do not arrive."), received_again())


def received_again() -> str:
    return _("`make ps`: does `journal` run? KHRONOS_HOME/logs/journal.log may say more")
