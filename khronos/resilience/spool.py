"""A folder of small notes that one process leaves for another, which may not run at that moment."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

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
        try:
            names = sorted(name for name in os.listdir(self.folder) if name[0] != ".")
        except FileNotFoundError:
            return
        for name in names:
            path, mine = self.folder / name, self.folder / f".taken-{os.getpid()}-{name}"
            try:
                path.rename(mine)
            except FileNotFoundError:
                continue  # another was first
            try:
                with suppress(ValueError):
                    yield json.loads(mine.read_text("utf-8"))
            except BaseException:
                mine.rename(path)
                raise
            mine.unlink()
