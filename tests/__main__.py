"""All tests, in two lanes side by side: whole instances mostly wait, parts mostly work."""

import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO

MODULE = [sys.executable, "-m"]
WHOLES = [[*MODULE, "pytest", "tests/acceptance", "tests/browser"]]
PARTS = [[*MODULE, "pytest", "tests/unit", "tests/integration"], [*MODULE, "tests.postgresql"]]


@dataclass(frozen=True)
class Outcome:
    name: str
    codes: list[int]
    took_s: float

    @property
    def is_good(self) -> bool:
        return not any(self.codes)


def run(name: str, commands: list[list[str]], output: IO[str] | None = None) -> Outcome:
    """One after another, whatever became of the one before."""
    began = time.monotonic()
    codes = [
        subprocess.run(command, stdout=output, stderr=output, check=False).returncode for command in commands
    ]
    return Outcome(name, codes, time.monotonic() - began)


def main() -> int:
    with ThreadPoolExecutor() as lanes, tempfile.TemporaryFile("w+", errors="replace") as kept:
        parts = lanes.submit(run, "parts", PARTS, kept)
        outcomes = [run("whole instances and pages", WHOLES), parts.result()]
        kept.seek(0)
        sys.stdout.write(f"\n── parts\n{kept.read()}\n")
    for outcome in outcomes:
        mark = "✅" if outcome.is_good else "❌"
        sys.stdout.write(f"{mark} {outcome.name}: {outcome.took_s / 60:.1f} min\n")
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
