"""What keeps copies of the database, whichever that is: the interface, and the choice by its engine.

A place is where a database is: the path of a file for SQLite, a database's name for PostgreSQL.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Protocol

from django.db import connection
from django.utils.translation import gettext as _

from khronos.exceptions import Failure

type Progress = Callable[[float], None]  # the part that is done, 0.0 to 1.0

ENGINES = {"sqlite": "khronos.backup.litestream", "postgresql": "khronos.backup.postgres"}


def nobody(_part: float) -> None:
    """Looks at the progress."""


class BackupFailed(Failure):
    """In words for an operator; `fix` names the next step."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.fix = fix

    @property
    def told(self) -> str:
        return f"{self} → {self.fix}"


class NoCopy(BackupFailed):
    """There is none, or none as old as was asked for."""


class Unreachable(BackupFailed):
    """Where the copies lie does not answer, or refuses our key."""


class Incomplete(BackupFailed):
    """Copies are there, but no database can be had of them."""


class NoRoom(BackupFailed):
    pass


@dataclass(frozen=True, slots=True)
class Copy:
    at: datetime  # of the newest change in it
    kind: str  # "whole", "changes" since the one before, "dump"
    size: int  # bytes
    position: str  # the engine's own name of its end


def first_moment(copies: Sequence[Copy]) -> datetime:
    """The first whole second that can be restored, as people write it."""
    return min(copy.at for copy in copies).replace(microsecond=0) + timedelta(seconds=1)


def too_old(at: datetime, first: datetime) -> NoCopy:
    asked, given = (f"{each.astimezone():%Y-%m-%d %H:%M:%S%z}" for each in (at, first))
    return NoCopy(
        _("No copy is as old as %(at)s: the first moment that can be restored is %(first)s.")
        % {"at": asked, "first": given},
        _("take that one, or a later one; `python manage.py backup list` shows what there is"),
    )


@dataclass(frozen=True, slots=True)
class Restored:
    place: str
    at: datetime  # of the newest change in it
    position: str
    took_s: float


class Reader(Protocol):
    """A connection that only reads; of sqlite3 and of psycopg alike."""

    def execute(self, query: Any, /) -> Any: ...


class Engine(Protocol):
    """Whatever fails raises a BackupFailed; nothing else escapes."""

    kind: str
    live: str  # the place of the database in use
    settles_s: float  # for so long a row may become visible after rows with a higher id

    @property
    def late_s(self) -> float:
        """Copies that are older are an alert."""

    @property
    def caveat(self) -> str:
        """What cannot be had of these copies, in words; empty where any moment can."""

    def goes_to(self) -> str:
        """Where the copies lie, in words."""

    def list_copies(self) -> list[Copy]:
        """The newest last."""

    def age(self) -> float:
        """Seconds since the newest moment whose data has surely arrived; it is asked for, not believed."""

    def sync_now(self, timeout_s: float) -> float:
        """Back when all that is committed by now has arrived. Where copies are made from time to time, the
        age of the newest, if it is not late."""

    def is_due(self) -> bool:
        """Has a whole copy to be made by us now?"""

    def make(self, progress: Progress) -> Copy:
        """A whole copy, now."""

    def replace(self) -> None:
        """The newest copy is damaged: have a whole new one made, as often as that may be."""

    def room(self) -> tuple[int, int]:
        """Bytes that a restored copy needs, and bytes that are free for it."""

    def insist_on_copy(self, at: datetime | None) -> None:
        """Raises where that moment cannot be restored: asked before anything is stopped for it."""

    def scratch(self) -> AbstractContextManager[str]:
        """A free place to restore into, gone afterwards in any case; what a killed life left goes before."""

    def restore(self, to: str, at: datetime | None, progress: Progress) -> Restored:
        """The newest state, or that of a moment, into a free place."""

    def size(self, place: str) -> int:
        """Of a database, in bytes."""

    def opened(self, place: str) -> AbstractContextManager[Reader]: ...

    def fingerprint(self, columns: Sequence[str]) -> str:
        """SQL: a whole number, below 2**32, that stands for the row's values in these columns."""

    def complaints(self, place: str) -> list[str]:
        """What is wrong with a database itself: every page, index and foreign key is looked at."""

    def write(self, place: str, statements: Sequence[str]) -> None:
        """Into a restored database, before it is put in place; all or nothing."""

    def keeps_at(self) -> str:
        """Where the present database would be kept; empty where there is none."""

    def put_in_place(self, restored: str, kept: str) -> None:
        """Make it the database in use, at once or not at all; the present one is kept."""


def engine() -> Engine:
    found: Engine = import_module(ENGINES[connection.vendor]).engine()
    return found
