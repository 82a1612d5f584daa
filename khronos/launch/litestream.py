"""What is there is copied at once, whole where that is asked for; then this process becomes Litestream."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

WANTED = "whole.wanted"  # beside its configuration (khronos/backup/mend.py)
FIRST_S = 10.0  # Litestream itself begins with a wait for its interval
WHOLE_S = 900.0  # meanwhile nothing else is copied


def main() -> None:
    config = Path(sys.argv[1])
    command = ["litestream", "replicate", "-no-expand-env", "-config", str(config)]
    wanted = config.with_name(WANTED)
    if not wanted.exists():
        is_done([*command, "-once"], FIRST_S)
    elif is_done([*command, "-once", "-force-snapshot"], WHOLE_S):
        wanted.unlink(missing_ok=True)
    os.execvp(command[0], command)  # noqa: S606


def is_done(command: list[str], within_s: float) -> bool:
    """What is not is done later: by Litestream, or by the next start."""
    with suppress(subprocess.TimeoutExpired):
        return subprocess.run(command, timeout=within_s, check=False).returncode == 0
    return False


if __name__ == "__main__":
    main()
