"""The journal of a PostgreSQL server, and the bases that it continues, in a folder or a bucket (ADR 14).

An era is the life of our slot on the server: its journal has no gap. Whatever breaks that begins another.

era-<time>/base-<time>/      a base backup
era-<time>/journal/          pieces of the journal by the server's names of them; the last is .partial
"""

import gzip
import json
import re
import shutil
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from khronos.backup import postgres_dumps as dumps
from khronos.backup import postgres_server as server
from khronos.backup import postgres_slot as slot
from khronos.backup.bucket import missing
from khronos.backup.engine import Incomplete, NoCopy
from khronos.backup.shelf import Thing, explained, folder

ARRIVES_S = 8.0  # as long as Litestream is waited for
LOOK_EVERY_S = 0.05
ASK_EVERY_S = 0.25  # a bucket
LISTS = 5
WHOLE_NAME = 24  # characters; those of timelines are shorter
ERA, BASE, JOURNAL = "era-", "base-", "journal/"
MANIFEST = "backup_manifest"
# In a bucket, pressed; what is not full yet says how far it goes.
PIECE = re.compile(
    r"([0-9A-F]{24}|[0-9A-F]{8}\.history)(\.partial)?(?:\.([0-9A-F]{8})_([0-9A-F]{8}))?(\.gz)?"
)


@dataclass(frozen=True, slots=True)
class Base:
    era: str
    name: str
    at: datetime  # when it was done: earlier moments cannot be had of it

    @property
    def path(self) -> str:
        return f"{self.era}/{self.name}/"

    def begins(self) -> tuple[int, int]:
        """Timeline and position from which the journal is needed."""
        with dumps.shelf().at_hand(self.path + MANIFEST) as file:
            first = json.loads(file.read_bytes())["WAL-Ranges"][0]
        return int(first["Timeline"]), number(first["Start-LSN"])


@dataclass(frozen=True, slots=True)
class AtHand:
    """A base and what continues it, as files of this machine."""

    folder: Path
    journal: Path
    at: datetime


def is_away() -> bool:
    return bool(settings.BACKUP_REPLICA_URL)


def number(position: str) -> int:
    """Of the server's way to write it: 0/1A2B3C4D."""
    high, low = position.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def eras() -> list[str]:
    """The newest last."""
    return dumps.shelf().folders(ERA)


def bases(era: str | None = None) -> list[Base]:
    """The oldest first."""
    found = []
    for each in [era] if era else eras():
        for thing in dumps.shelf().things(f"{each}/{BASE}"):
            name, _, file = thing.name.removeprefix(f"{each}/").partition("/")
            if file == MANIFEST:  # its last
                at = datetime.strptime(name.removeprefix(BASE), dumps.TIME).replace(tzinfo=UTC)
                found.append(Base(each, name, at))
    return found


def has_base() -> bool:
    known = eras()
    return bool(known and bases(known[-1]))


def pieces(era: str) -> list[Thing]:
    return [each for each in dumps.shelf().things(f"{era}/{JOURNAL}") if piece(each)]


def piece(thing: Thing) -> "re.Match[str] | None":
    return PIECE.fullmatch(thing.name.rpartition("/")[2])


def is_before(thing: Thing, first: str) -> bool:
    match = piece(thing)
    return match is not None and len(match[1]) == WHOLE_NAME and match[1][8:] < first


def arrive(timeout_s: float) -> float:
    """Back when all that is committed by now lies where copies lie; answers after how long."""
    began = time.monotonic()
    with server.opened(server.live()) as found:
        position, name = found.execute(
            "SELECT lsn::text, pg_walfile_name(lsn - 1) FROM pg_current_wal_flush_lsn() AS lsn"
        ).fetchone() or ("0/0", "")
        found.execute(f"NOTIFY {slot.CALL}")
        while True:
            row = slot.asked(found, position)
            if row is not None and row[0] and row[1] and is_there(name, position):
                return time.monotonic() - began
            if time.monotonic() - began > timeout_s:
                raise slot.late(found)
            time.sleep(ASK_EVERY_S if is_away() else LOOK_EVERY_S)


def is_there(name: str, position: str) -> bool:
    known = eras()
    found = dumps.shelf().things(f"{known[-1]}/{JOURNAL}{name}") if known else []
    if not known or not (found or is_away()):
        raise NoCopy(
            _("The journal is not where copies lie: it was emptied, or is another."), slot.received_again()
        )
    return any(reaches(thing, number(position)) for thing in found)


def reaches(thing: Thing, position: int) -> bool:
    """In a folder the slot's word is enough: what it has was synced there."""
    match = piece(thing)
    if match is None:
        return False
    return match[3] is None or number(f"{match[3]}/{match[4]}") >= position


def is_due() -> bool:
    known = eras()
    newest = bases(known[-1])[-1:] if known else []
    return not newest or datetime.now(UTC) - newest[0].at >= settings.BACKUP_WHOLE_EVERY


def chosen(at: datetime | None) -> Base | None:
    """The newest that is older than the moment, where its journal reaches that far."""
    fitting = [base for base in bases() if at is None or base.at <= at]
    if not fitting or (at is not None and fitting[-1].era != eras()[-1] and at > end(fitting[-1])):
        return None
    return fitting[-1]


def end(base: Base) -> datetime:
    """Of its journal: when something of it last arrived."""
    return max((each.at for each in pieces(base.era)), default=base.at)


def size(base: Base) -> int:
    return sum(each.size for each in dumps.shelf().things(base.path))


def first_piece(base: Base, length: int) -> str:
    """By its name, without the timeline: later ones have names that are greater."""
    _timeline, position = base.begins()
    return f"{position >> 32:08X}{(position & 0xFFFFFFFF) // length:08X}"


def length_of_pieces() -> int:
    with server.opened(server.maintenance()) as found:
        row = found.execute("SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'").fetchone()
        return int(row[0]) if row else 16 * 1024**2


@contextmanager
def at_hand(base: Base) -> Iterator[AtHand]:
    """Fetched where they lie in a bucket, and gone afterwards; what a killed life left goes before."""
    if not is_away():
        yield AtHand(folder() / base.path, folder() / base.era / JOURNAL, base.at)
        return
    place = Path(settings.BACKUP_FOLDER) / "scratch" / "fetched"
    there = AtHand(place / "base", place / "journal", base.at)
    shutil.rmtree(place, ignore_errors=True)
    try:
        with explained():
            there.folder.mkdir(mode=0o700, parents=True)
            there.journal.mkdir(mode=0o700)
            fetch(base, there)
        yield there
    finally:
        shutil.rmtree(place, ignore_errors=True)


def fetch(base: Base, there: AtHand) -> None:
    shelf, first = dumps.shelf(), first_piece(base, length_of_pieces())
    for thing in shelf.things(base.path):
        with shelf.at_hand(thing.name) as file:
            shutil.move(file, there.folder / thing.name.rpartition("/")[2])
    fetched: set[str] = set()
    for left in reversed(range(LISTS)):
        try:
            fetch_pieces(base.era, first, there.journal, fetched)
            return
        except Incomplete:
            if not left:
                raise


def fetch_pieces(era: str, first: str, to: Path, fetched: set[str]) -> None:
    """In the order of their names: of two that are not full the one that goes further stays. The receiver
    replaces the last one meanwhile; then a new list has what took its place."""
    for thing in pieces(era):
        match = piece(thing)
        if match is not None and not is_before(thing, first) and thing.name not in fetched:
            with dumps.shelf().at_hand(thing.name) as file:
                unpress(file, to / f"{match[1]}{match[2] or ''}")
            fetched.add(thing.name)


def unpress(file: Path, to: Path) -> None:
    try:
        with gzip.open(file) as pressed, to.open("wb") as plain:
            shutil.copyfileobj(pressed, plain)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise missing(f"{file.name}: {error}") from None
