"""A whole Khronos of its own: real processes in a temporary KHRONOS_HOME, driven as an operator would."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from bench.patience import free_port

ROOT = Path(__file__).resolve().parents[2]
READY = "Khronos is ready at http://127.0.0.1:"
SOON_S = 60.0  # patience, no promise
QUICK = {"RESTART_APART_S": "0.2", "FAILED_START_S": "2", "CI": "1"}
NAMES = {
    "supervisor", "valkey", "web", "dispatcher", "agent", "embedder", "worker", "beat", "flower",
    "litestream",
}  # fmt: skip


def eventually[T](ask: Callable[[], T], within_s: float, what: str = "it") -> T:
    """The first true answer. Processes tell nobody when they change: this is where tests may sleep."""
    deadline = time.monotonic() + within_s
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"{what} did not happen within {within_s} s"
        time.sleep(0.05)
    return answer


class Instance:
    def __init__(self, home: Path, **env: str) -> None:
        self.home = home
        self.port = int(env.get("PORT") or 0)
        inherited = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ
        }
        self.env = inherited | QUICK | {"KHRONOS_HOME": str(home), "KHRONOS_DOTENV": os.devnull} | env
        self.screen = ""
        self.up: subprocess.Popen[str] | None = None

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.python("manage.py", *arguments)

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=2 * SOON_S, check=False
        )

    def start(self) -> None:
        """`make up`, until the line that says ready."""
        self.launch()
        self.await_ready()

    def launch(self) -> None:
        self.up = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def await_ready(self) -> None:
        assert self.up is not None
        assert self.up.stdout is not None
        for line in self.up.stdout:
            self.screen += line
            if line.startswith(READY):
                self.port = int(line.split()[4].rpartition(":")[2])
                return
        raise AssertionError(f"`up` ended before it was ready:\n{self.screen}")

    def ps(self) -> dict[str, dict[str, Any]]:
        result = self.manage("ps", "--json")
        assert result.returncode == 0, result.stderr
        return {row["name"]: row for row in json.loads(result.stdout)}

    def running(self, names: set[str]) -> dict[str, dict[str, Any]]:
        """All rows, once these run."""

        def look() -> dict[str, dict[str, Any]]:
            rows = self.ps()
            return rows if names <= {name for name, row in rows.items() if row["state"] == "running"} else {}

        return eventually(look, SOON_S, f"running of {sorted(names)}")

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, Any]]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"{}")

    def is_ready(self) -> bool:
        try:
            return self.get("/ready")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def processes(self) -> list[psutil.Process]:
        """All that belongs to this home, found by its environment: also what no list knows of."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("KHRONOS_HOME") == str(self.home)
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def stop(self) -> int:
        """Ctrl-C."""
        assert self.up is not None
        self.up.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self) -> int:
        assert self.up is not None
        rest, _ = self.up.communicate(timeout=45)
        self.screen += rest
        return self.up.returncode

    def clear(self) -> None:
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self.up is not None:
            self.wait()


@contextmanager
def instance(home: Path, **env: str) -> Iterator[Instance]:
    it = Instance(home, **{"PORT": str(free_port()), "FLOWER_PORT": str(free_port()), **env})
    try:
        yield it
    finally:
        it.clear()
