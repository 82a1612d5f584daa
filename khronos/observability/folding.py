"""The numbers of all processes, those that are dead included, added up (docs/metrics.md).

What the dead have counted is folded into one file, so that restarts leave no files behind. Whose file is not
locked is dead. A fold is in force with the rename of `folded.json`, which names the files that it holds:
a crash before or after it neither loses a count nor counts one twice.
"""

import contextlib
import fcntl
import json
import os
import struct
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

type Numbers = dict[str, float]

FOLDED = "folded.json"


class Folder:
    """`keeps` says of a key whether its number outlives the process; a gauge's does not."""

    def __init__(self, path: Path, keeps: Callable[[str], bool]) -> None:
        self.path, self.keeps = path, keeps

    def read(self) -> Numbers:
        """The sums, with the dead folded."""
        with alone(self.path):
            living, dead = sort(self.path)
            self.fold(dead)
            sums = defaultdict(float, self.folded()[0])
            for path in living:
                add(sums, numbers_of(path))
            return sums

    def fold(self, dead: list[Path]) -> None:
        if not dead:
            return
        numbers, held = self.folded()
        sums = defaultdict(float, numbers)
        for path in dead:
            if path.name not in held:
                add(sums, {key: number for key, number in numbers_of(path).items() if self.keeps(key)})
        draft = self.path / f".{FOLDED}"
        draft.write_text(json.dumps({"numbers": sums, "held": [path.name for path in dead]}), "utf-8")
        os.replace(draft, self.path / FOLDED)
        for path in dead:
            path.unlink(missing_ok=True)

    def folded(self) -> tuple[Numbers, set[str]]:
        """And the files that are in it: they may still be there."""
        with contextlib.suppress(FileNotFoundError):
            kept = json.loads((self.path / FOLDED).read_text("utf-8"))
            return kept["numbers"], set(kept["held"])
        return {}, set()


def empty(path: Path) -> None:
    """Before the first process starts. One that lives, of another terminal, keeps its file."""
    with alone(path):
        _, dead = sort(path)
        for unwanted in (path / FOLDED, *dead, *path.glob(".*-*")):
            unwanted.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Two that read would fold the same file twice, or miss it between file and fold."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (path / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sort(path: Path) -> tuple[list[Path], list[Path]]:
    """The files of living processes, and the others."""
    living: list[Path] = []
    dead: list[Path] = []
    for sheet in sorted(path.glob("*.db")):
        (living if is_locked(sheet) else dead).append(sheet)
    return living, dead


def is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def numbers_of(path: Path) -> Numbers:
    """A process that is killed while it writes leaves the number as it was, or as it was to be."""
    try:
        read = MmapedDict.read_all_values_from_file(str(path))  # type: ignore[no-untyped-call]
        return {key: number for key, number, _, _ in read}
    except (struct.error, RuntimeError, UnicodeDecodeError):
        return {}  # cut off by a full disk


def add(sums: Numbers, numbers: Numbers) -> None:
    for key, number in numbers.items():
        sums[key] = sums.get(key, 0.0) + number
