"""All tests, in two lanes that take equally long: whole instances mostly wait, parts mostly work."""

import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO

PYTEST = [sys.executable, "-m", "pytest"]
MATRICES = ["tests/acceptance/test_provider_matrix.py", "tests/acceptance/test_telegram_matrix.py"]
INSTANCES = [[*PYTEST, "tests/acceptance", *(f"--ignore={each}" for each in MATRICES)]]
PARTS = [
    [*PYTEST, "tests/unit", "tests/integration", "tests/browser"],
    [sys.executable, "-m", "tests.postgresql"],
    [*PYTEST, *MATRICES],
]


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
        parts = lanes.submit(run, "parts, pages, PostgreSQL and matrices", PARTS, kept)
        outcomes = [run("whole instances", INSTANCES), parts.result()]
        kept.seek(0)
        sys.stdout.write(f"\n── parts, pages, PostgreSQL and matrices\n{kept.read()}\n")
    for outcome in outcomes:
        mark = "✅" if outcome.is_good else "❌"
        sys.stdout.write(f"{mark} {outcome.name}: {outcome.took_s / 60:.1f} min\n")
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
