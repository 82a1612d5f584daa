"""The log files of an instance, by process: what each printed, and its lines of the common log."""

from collections import defaultdict
from pathlib import Path

import orjson

REPEATED = ("error", "critical", "audit")  # their lines are in the common log as well


def by_process(folder: Path) -> dict[str, str]:
    parts: dict[str, list[str]] = defaultdict(list)
    for path in folder.glob("*.log"):
        if path.stem not in ("combined", *REPEATED):
            parts[path.stem].append(path.read_text("utf-8", "replace"))
    for line in lines(folder):
        parts[orjson.loads(line)["service"]].append(line)
    return {name: "".join(some) for name, some in parts.items()}


def lines(folder: Path, name: str = "combined") -> list[str]:
    """Oldest first, of older files too."""
    aged = sorted(folder.glob(f"{name}.log.*"), key=lambda path: -int(path.suffix[1:]))
    files = [path for path in (*aged, folder / f"{name}.log") if path.exists()]
    return [line for path in files for line in path.read_text("utf-8", "replace").splitlines(keepends=True)]
