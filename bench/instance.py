"""A whole Khronos of real processes in a folder of its own, for acceptance tests, benchmarks and fault tests.

    with Simulator.start() as simulator, Instance(simulator) as khronos:
        simulator.telegram.say(1, "hello")

It is started by `manage.py up`, as an operator starts it. Nothing of it outlives the `with` block.
"""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
import psutil
import redis

from bench import logs, migrated
from bench.environment import SECRET, World, environment
from bench.patience import answers, free_ports, until
from bench.simulator.client import BotClient
from bench.simulator.telegram.bot import DEFAULT_TOKEN
from khronos.launch import state
from khronos.launch.home import Home
from settings.dotenv import read_env_file

ROOT = Path(__file__).resolve().parent.parent
READY = "Khronos is ready at "
READY_S = 150.0  # patience, no promise: in PostgreSQL every table is made first
REGISTERED_S = 6.0
STOP_S = 45.0  # above the supervisor's own hard stop
ALLOWED = ("message", "edited_message", "callback_query", "my_chat_member")


class Instance:
    """One instance. Without `polling`, Telegram's updates come to its webhook."""

    def __init__(
        self,
        world: World,
        *,
        env: Mapping[str, str] | None = None,
        polling: bool = False,
        token: str = DEFAULT_TOKEN,
        home: Path | None = None,
    ) -> None:
        self.world, self.polling, self.token = world, polling, token
        self.folder = Path(tempfile.mkdtemp(prefix="khronos-instance-"))
        self.home = Home(home or self.folder / "home")
        self.port, self.flower_port = free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        self.webhook = f"{self.url}/webhooks/telegram/default/"
        own = {"PUBLIC_URL": "" if polling else self.url, "TELEGRAM_BOT_TOKEN": token}
        self.env = environment(world, self.home.path, self.port, self.flower_port) | own | dict(env or {})
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    # From start to end

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            print(self.tails(), file=sys.stderr)
        try:
            self.end()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, *, wait: bool = True) -> None:
        """Start it on its folder, as that was left; ready when this returns."""
        self.starts += 1
        migrated.give(self.home.path, self.env)
        with self.up_log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                env=self.env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        if wait:
            self.wait_ready()

    def wait_ready(self, timeout: float = READY_S) -> None:
        def is_ready() -> bool:
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"`manage.py up` has ended:\n{self.said()}")
            return READY in self.said()

        if not until(is_ready, timeout):
            raise TimeoutError(f"not ready after {timeout} s:\n{self.said()}")
        if self.token and not self.polling and not until(self.has_registered, REGISTERED_S):
            self.set_webhook()

    def has_registered(self) -> bool:
        """It sets its webhook by itself, and Telegram delivers again what was under way meanwhile."""
        return bool(self.sql("SELECT 1 FROM khronos_channel WHERE slug = 'default' AND registered != ''"))

    def set_webhook(self) -> None:
        """In its place, where it could not."""
        bot = BotClient(self.world.url, self.token)
        bot.call("setWebhook", url=self.webhook, secret_token=SECRET, allowed_updates=ALLOWED)

    def terminate(self) -> int:
        """Ask it to stop, as Ctrl-C or `make down` do, and wait; answers the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(STOP_S)

    def restart(self) -> None:
        self.terminate()
        self.start()

    def end(self) -> None:
        """Leave nothing running, whatever state it is in. Ends what was started with its folder, by id."""
        for process in self.all_processes():
            with suppress(psutil.Error):
                process.send_signal(signal.SIGCONT)
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_S)
        for process in self.all_processes():
            with suppress(psutil.Error):
                process.kill()
        if self.process is not None:
            self.process.wait()

    # What runs

    def all_processes(self) -> list[psutil.Process]:
        """Every process of this instance: its folder stands in their environment."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("KHRONOS_HOME") == str(self.home.path):
                    found.append(process)
        return found

    def ps(self) -> list[dict[str, Any]]:
        """What `manage.py ps --json` says."""
        command = [sys.executable, "manage.py", "ps", "--json"]
        said = subprocess.run(command, env=self.env, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=30)
        rows: list[dict[str, Any]] = orjson.loads(said.stdout)
        return rows

    def names(self) -> list[str]:
        return [entry.name for entry in state.load(self.home)]

    def entry(self, name: str) -> state.Entry:
        return next(entry for entry in state.load(self.home) if entry.name == name)

    def pid(self, name: str) -> int:
        """Of a process by its name in the Procfile, `supervisor`, or `web.child`: web's first child."""
        parent, _, child = name.partition(".")
        pid = self.entry(parent).pid
        if pid is None:
            raise LookupError(f"{name} does not run")
        return psutil.Process(pid).children()[0].pid if child else pid

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal; answers whom it was sent to."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def wait_back(self, name: str, killed: int, timeout: float = 30.0) -> None:
        """Until another one runs in the place of the one that was killed, and serves."""

        def is_back() -> bool:
            with suppress(StopIteration, LookupError, psutil.Error, redis.RedisError):
                if self.pid(name) == killed or self.entry(name.partition(".")[0]).state != "running":
                    return False
                if name == "valkey":
                    return bool(self.redis().ping())
                return not name.startswith("web") or answers(self.port)
            return False

        if not until(is_back, timeout):
            raise TimeoutError(f"{name} is not back after {timeout} s")

    # What it holds, what it said

    def redis(self) -> "redis.Redis":
        url = dict(read_env_file(self.home.ports))["REDIS_URL"]
        return redis.Redis.from_url(url, socket_timeout=5.0, socket_connect_timeout=1.0)

    @property
    def database(self) -> Path:
        return self.home.path / "khronos.sqlite3"

    def sql(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Read from its SQLite file; it cannot be written here."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(query, parameters).fetchall()

    def rows(self, noun: str) -> dict[str, int]:
        """How many rows in which state: `rows("turn")`."""
        return dict(self.sql(f"SELECT state, count(*) FROM khronos_{noun} GROUP BY state"))

    @property
    def up_log(self) -> Path:
        return self.folder / f"up-{self.starts}.log"

    def said(self) -> str:
        """What the last `up` has shown to the operator."""
        return self.up_log.read_text("utf-8")

    def logs(self) -> dict[str, str]:
        return logs.by_process(self.home.path / "logs")

    def tails(self, lines: int = 15) -> str:
        """The ends of everything it said, for the report of a failure."""
        ups = {path.stem: path.read_text("utf-8") for path in sorted(self.folder.glob("up-*.log"))}
        parts = [
            f"── {name}\n" + "\n".join(text.splitlines()[-lines:])
            for name, text in (ups | self.logs()).items()
        ]
        return "\n".join(parts)
