"""One real process of Khronos on the test's database and Valkey, to be told to stop."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from django.db import connection

from bench.patience import answers, free_ports, until

ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(r"([1-7])/7 ([^:]+): (?!hangs)(.+)")
STARTS_S, ENDS_S = 20.0, 12.0


class Started:
    def __init__(self, home: Path, redis_url: str, telegram_url: str) -> None:
        self.home, self.log = home, home / "log"
        (self.port,) = free_ports(1)
        self.env = {
            "PATH": os.environ["PATH"],
            "KHRONOS_HOME": str(home),
            "KHRONOS_DOTENV": os.devnull,
            "DATABASE_URL": database_url(),
            "REDIS_URL": redis_url,
            "SECRET_KEY": "only-for-tests-" + "x" * 40,
            "TELEGRAM_API_URL": telegram_url,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *command: str) -> "Started":
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=self.env, stdout=log, stderr=log
            )
        return self

    def serve(self, application: str = "khronos.wsgi:application") -> "Started":
        self.start("-m", "khronos.launch.web", application, "--port", str(self.port), "--threads", "2")
        assert until(lambda: answers(self.port), STARTS_S)
        return self

    def child(self) -> psutil.Process:
        """The one that serves."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children()[0]

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def code(self, within_s: float = ENDS_S) -> int:
        assert self.process is not None
        return self.process.wait(within_s)

    def stop(self) -> int:
        self.send(signal.SIGTERM)
        return self.code()

    def steps(self) -> list[tuple[int, str]]:
        """Their numbers and what they said, in the order of the log."""
        said = [json.loads(line)["message"] for line in self.log.read_text().splitlines() if line[:1] == "{"]
        return [(int(match[1]), match[3]) for line in said if (match := LINE.fullmatch(line))]

    def end(self) -> None:
        if self.process is not None:
            processes = [psutil.Process(self.process.pid)] if self.process.poll() is None else []
            for each in [child for parent in processes for child in parent.children()] + processes:
                with suppress(psutil.NoSuchProcess):
                    each.kill()
            self.process.wait()
            sys.stdout.write(self.log.read_text())


def database_url() -> str:
    """The test's own database."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite://{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


@contextmanager
def started_in(home: Path, redis_url: str, telegram_url: str) -> Iterator[Started]:
    made = Started(home, redis_url, telegram_url)
    try:
        yield made
    finally:
        made.end()
