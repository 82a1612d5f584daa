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
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

type Numbers = dict[str, float]

FOLDED = "folded.json"
LIVE = "live"  # how keys end whose numbers go with their process


def read(folder: Path) -> Numbers:
    """The sums, with the dead folded."""
    with alone(folder):
        living, dead = sort(folder)
        fold(folder, dead)
        sums = folded(folder)[0]
        for path in living:
            add(sums, numbers_of(path))
        return sums


def tidy(folder: Path) -> None:
    """Fold the dead, unless somebody is at it."""
    with contextlib.suppress(BlockingIOError), alone(folder, fcntl.LOCK_NB):
        fold(folder, sort(folder)[1])


def empty(folder: Path) -> None:
    """Before the first process starts. One that lives, of another terminal, keeps its file."""
    with alone(folder):
        _, dead = sort(folder)
        for unwanted in (folder / FOLDED, *dead, *folder.glob(".*-*")):
            unwanted.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(folder: Path, how: int = 0) -> Iterator[None]:
    """Two that read would fold the same file twice, or miss it between file and fold."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | how)
        yield


def sort(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files of living processes, and the others."""
    living: list[Path] = []
    dead: list[Path] = []
    for path in sorted(folder.glob("*.db")):
        (living if is_locked(path) else dead).append(path)
    return living, dead


def is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def fold(folder: Path, dead: list[Path]) -> None:
    if not dead:
        return
    sums, held = folded(folder)
    for path in dead:
        if path.name not in held:
            add(sums, {key: number for key, number in numbers_of(path).items() if not is_live(key)})
    draft = folder / f".{FOLDED}"
    draft.write_text(json.dumps({"numbers": sums, "held": [path.name for path in dead]}), "utf-8")
    os.replace(draft, folder / FOLDED)
    for path in dead:
        path.unlink(missing_ok=True)


def folded(folder: Path) -> tuple[Numbers, set[str]]:
    """And the files that are in it: they may still be there. A power cut may leave it empty."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        kept = json.loads((folder / FOLDED).read_text("utf-8"))
        return kept["numbers"], set(kept["held"])
    return {}, set()


def is_live(key: str) -> bool:
    return bool(json.loads(key)[-1] == LIVE)


def numbers_of(path: Path) -> Numbers:
    """A process that is killed while it writes leaves the number as it was, or as it was to be."""
    try:
        found = MmapedDict.read_all_values_from_file(str(path))  # type: ignore[no-untyped-call]
        return {key: number for key, number, _, _ in found}
    except (struct.error, RuntimeError, UnicodeDecodeError):
        return {}  # cut off by a full disk


def add(sums: Numbers, numbers: Numbers) -> None:
    for key, number in numbers.items():
        sums[key] = sums.get(key, 0.0) + number
