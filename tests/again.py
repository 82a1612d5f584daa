"""Who fails beside the others is asked again, alone: a failure by chance is told, and stands in nobody's way.

Why, and what it does not forgive: docs/adr/0019-a-second-look.md.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

TIMES = 3  # alone, and good each time
CHANCES = 2  # tests of one run; more than that are no chance
ROOT = Path(__file__).resolve().parents[1]
SOME_FAILED = 1  # of pytest's exit codes: it came to its end


@dataclass
class Part:
    """One call of pytest, which remembers who failed apart from all others."""

    memory: Path
    program: str
    what: Sequence[str]
    folder: Path = ROOT
    code: int = 0

    def run(self, output: IO[str] | None = None) -> None:
        self.code = self.ask(*self.what, output=output)

    def ask(self, *what: str, output: IO[str] | None = None) -> int:
        command = [sys.executable, "-m", self.program, *what, "-o", f"cache_dir={self.memory}"]
        return subprocess.run(command, cwd=self.folder, stdout=output, stderr=output, check=False).returncode

    def failed(self) -> list[str]:
        kept = self.memory / "v" / "cache" / "lastfailed"
        return list(json.loads(kept.read_text())) if kept.exists() else []


def by_chance(parts: Sequence[Part]) -> list[str]:
    """Who failed once, and is good alone. Empty where that is not all that went wrong."""
    red = [part for part in parts if part.code]
    failed = [(part, test) for part in red for test in part.failed()]
    if any(part.code != SOME_FAILED or not part.failed() for part in red) or len(failed) > CHANCES:
        return []
    are_good = all(part.ask(test) == 0 for part, test in failed for _ in range(TIMES))
    return [test for _, test in failed] if are_good else []
