"""The database as it was: restored beside it, judged, then put in its place, which keeps the present one."""

from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from khronos.backup import aftermath
from khronos.backup.engine import BackupFailed, Engine, NoRoom, Progress, Restored
from khronos.backup.verify import RECORDS, count, moment

NAMED = 3  # complaints


@dataclass
class Loss:
    """What the present database has and the restored one has not."""

    seconds: float = 0.0
    rows: dict[str, int] = field(default_factory=dict)
    is_known: bool = False


@dataclass(frozen=True)
class Outcome:
    restored: Restored
    kept: str
    loss: Loss


def insist_on_room(copies: Engine) -> None:
    needed, free = copies.room()
    if free < needed:
        raise NoRoom(
            _("A restore needs %(needed)s MB, and %(free)s MB are free.")
            % {"needed": needed // 10**6 + 1, "free": free // 10**6},
            _("make room there"),
        )


def bring_back(copies: Engine, at: datetime | None, progress: Progress) -> Outcome:
    """Nobody may use the database meanwhile; until the last step it is as it was."""
    with copies.scratch() as place:
        restored = copies.restore(place, at, progress)
        insist_on_whole(copies, place)
        loss = lost(copies, place)
        kept = copies.keeps_at()
        copies.write(place, aftermath.note(restored.at, kept))
        copies.put_in_place(place, kept)
    return Outcome(restored, kept, loss)


def bring_beside(copies: Engine, to: str, at: datetime | None, progress: Progress) -> Outcome:
    """Into a place of its own; the database in use is not touched."""
    restored = copies.restore(to, at, progress)
    insist_on_whole(copies, to)
    return Outcome(restored, "", lost(copies, to))


def insist_on_whole(copies: Engine, place: str) -> None:
    if complaints := copies.complaints(place):
        raise BackupFailed(
            _("What was restored is damaged: %(what)s. Nothing was changed.")
            % {"what": "; ".join(complaints[:NAMED])},
            _("take an earlier moment with --at"),
        )


def lost(copies: Engine, place: str) -> Loss:
    """Only where the present one can still be read."""
    loss = Loss()
    try:
        with copies.opened(copies.live) as live, copies.opened(place) as copy:
            for table, (made_at, *_columns) in RECORDS.items():
                last = copy.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0]
                loss.rows[table.removeprefix("khronos_")] = count(live, table, f"id > {int(last)}")
                query = f"SELECT min({made_at}), max({made_at}) FROM {table} WHERE id > {int(last)}"
                first, newest = (moment(found) for found in live.execute(query).fetchone())
                if first and newest:
                    loss.seconds = max(loss.seconds, (newest - first).total_seconds())
    except Exception:
        return Loss()
    loss.is_known = True
    return loss
