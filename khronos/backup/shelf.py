"""Where whole files of copies lie: a folder, or a bucket (khronos/backup/bucket.py)."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.utils.translation import gettext as _

from khronos.backup.engine import Progress, Unreachable

DRAFT = ".part"  # at the end of a name: it is being written


@dataclass(frozen=True, slots=True)
class Thing:
    name: str  # below the shelf, with slashes
    size: int
    at: datetime  # when it was put there


class Shelf(Protocol):
    """Whatever fails raises a BackupFailed; nothing else escapes."""

    def where(self) -> str:
        """In words."""

    def things(self, beginning: str) -> list[Thing]:
        """Whose names begin so, in the order of their names."""

    def folders(self, beginning: str) -> list[str]:
        """Of those at the top whose names begin so, the names in their order."""

    def put(self, draft: Path, name: str, progress: Progress) -> None:
        """Whole, or it is not there. The draft is gone afterwards."""

    def at_hand(self, name: str) -> AbstractContextManager[Path]:
        """As a file of this machine."""

    def remove(self, name: str) -> None: ...


def folder() -> Path:
    """Where copies are made, and where they stay without a bucket."""
    return Path(settings.BACKUP_FOLDER) / "postgresql"


class Folder:
    def where(self) -> str:
        return str(folder())

    def things(self, beginning: str) -> list[Thing]:
        found = []
        with explained():
            for path in files(beginning):
                name, stat = path.relative_to(folder()).as_posix(), path.stat()
                if not name.endswith(DRAFT):
                    found.append(Thing(name, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC)))
        return sorted(found, key=lambda thing: thing.name)

    def folders(self, beginning: str) -> list[str]:
        with explained():
            return sorted(path.name for path in folder().glob(f"{beginning}*") if path.is_dir())

    def put(self, draft: Path, name: str, progress: Progress) -> None:
        with explained():
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            (folder() / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.rename(folder() / name)
        progress(1.0)

    @contextmanager
    def at_hand(self, name: str) -> Iterator[Path]:
        yield folder() / name

    def remove(self, name: str) -> None:
        """And the folders that are empty then."""
        path = folder() / name
        with explained():
            path.unlink(missing_ok=True)
        with suppress(OSError):
            while (path := path.parent) != folder():
                path.rmdir()


def files(beginning: str) -> Iterator[Path]:
    below, _, start = beginning.rpartition("/")
    for path in (folder() / below).glob(f"{start}*"):
        yield from [path] if path.is_file() else filter(Path.is_file, path.rglob("*"))


@contextmanager
def explained() -> Iterator[None]:
    """What the operating system refuses."""
    try:
        yield
    except OSError as error:
        raise Unreachable(
            _("Where the copies lie refuses us: %(why)s") % {"why": error},
            _("make room in %(folder)s, and make it writable for this user") % {"folder": folder()},
        ) from None
