"""Litestream, with a whole new copy first where one is asked for; then this process is Litestream itself."""

import os
import subprocess
import sys
from pathlib import Path

WANTED = "whole.wanted"  # beside its configuration (khronos/backup/mend.py)
LONGEST_S = 900.0  # for that copy: meanwhile nothing else is copied


def main() -> None:
    config = Path(sys.argv[1])
    command = ["litestream", "replicate", "-no-expand-env", "-config", str(config)]
    wanted = config.with_name(WANTED)
    if wanted.exists() and is_made(command):
        wanted.unlink(missing_ok=True)
    os.execvp(command[0], command)  # noqa: S606


def is_made(command: list[str]) -> bool:
    """When it fails it is asked for again by the next start."""
    try:
        done = subprocess.run([*command, "-once", "-force-snapshot"], timeout=LONGEST_S, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    main()
