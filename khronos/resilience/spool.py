"""A folder of small notes that one process leaves for another, which may not run at that moment."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

TAKEN = ".taken-"
LEFT_BEHIND_S = 60.0
MOST = 1000  # notes that nobody takes must not fill the disk


class Spool:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, note: dict[str, str]) -> None:
        """Whole or not at all; a full disk keeps nobody from going on."""
        name = f"{time.time_ns():020d}-{os.getpid()}"
        draft = self.folder / f".{name}"
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if len(os.listdir(self.folder)) < MOST:
                draft.write_text(json.dumps(note), "utf-8")
                draft.rename(self.folder / f"{name}.json")

    def take(self) -> Iterator[dict[str, str]]:
        """The oldest first; a note is gone when the next one is asked for. No two takers get the same."""
        for name in self._waiting():
            path, mine = self.folder / name, self.folder / f"{TAKEN}{name}"
            try:
                path.rename(mine)
            except FileNotFoundError:
                continue  # another was first
            try:
                yield from readable(mine)
            except BaseException:
                mine.rename(path)
                raise
            mine.unlink()

    def _waiting(self) -> list[str]:
        """What a taker left behind who died is there for the next."""
        with suppress(OSError):
            for path in self.folder.glob(f"{TAKEN}*"):
                if time.time() - path.stat().st_ctime > LEFT_BEHIND_S:
                    path.rename(self.folder / path.name.removeprefix(TAKEN))
        try:
            return sorted(name for name in os.listdir(self.folder) if name[0] != ".")
        except FileNotFoundError:
            return []


def readable(path: Path) -> Iterator[dict[str, str]]:
    with suppress(ValueError):
        note = json.loads(path.read_text("utf-8"))
        if isinstance(note, dict):
            yield note
