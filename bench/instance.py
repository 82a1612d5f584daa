"""A whole Khronos of real processes in a folder of its own, for acceptance tests, benchmarks and fault tests.

    with Simulator.start() as simulator, Instance(simulator) as khronos:
        simulator.telegram.say(1, "hello")

It is started by `manage.py up`, as an operator starts it. Nothing of it outlives the `with` block.
"""

import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import psutil
import redis

from bench.simulator.client import BotClient
from bench.simulator.telegram.bot import DEFAULT_TOKEN
from khronos.launch import state
from khronos.launch.home import Home
from settings.dotenv import read_env_file

ROOT = Path(__file__).resolve().parent.parent
SECRET = "secret-of-the-test-bench"
READY = "Khronos is ready at "
READY_S = 60.0
STOP_S = 45.0  # above the supervisor's own hard stop
ALLOWED = ("message", "edited_message", "callback_query", "my_chat_member")
KEPT = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "PYENV_ROOT")  # all else would bend the instance
QUICK_RESTARTS = {"RESTART_APART_S": "0.3", "FAILED_START_S": "0.2", "FAILED_STARTS_MAX": "50"}


class World(Protocol):
    """A `Simulator`, or a `Remote` one."""

    @property
    def url(self) -> str: ...


class Instance:
    """One instance. Without `polling` Telegram's updates come to its webhook."""

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
        self.env = self._environment() | dict(env or {})
        self.process: subprocess.Popen[bytes] | None = None

    def _environment(self) -> dict[str, str]:
        outside = {name: os.environ[name] for name in KEPT if name in os.environ}
        return {
            **outside,
            **QUICK_RESTARTS,
            "KHRONOS_HOME": str(self.home.path),
            "KHRONOS_DOTENV": os.devnull,
            "PORT": str(self.port),
            "FLOWER_PORT": str(self.flower_port),
            "PUBLIC_URL": "" if self.polling else self.url,
            "TELEGRAM_BOT_TOKEN": self.token,
            "TELEGRAM_WEBHOOK_SECRET": SECRET,
            "TELEGRAM_API_URL": self.world.url,
            "ANTHROPIC_API_KEY": "sk-ant-simulated",
            "ANTHROPIC_BASE_URL": self.world.url,
            "OPENAI_BASE_URL": f"{self.world.url}/v1",
        }

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
        """Start it on its folder, as it was left; ready when this returns."""
        with self.up_log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                env=self.env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        if wait:
            self.wait_ready()

    def wait_ready(self, timeout: float = READY_S) -> None:
        began = self.said_so_far.count(READY) if self.process is None else self._starts - 1

        def is_ready() -> bool:
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"`manage.py up` ended:\n{self.up_log.read_text()}")
            return self.up_log.read_text("utf-8").count(READY) > began

        if not until(is_ready, timeout):
            raise TimeoutError(f"not ready after {timeout} s:\n{self.tails()}")
        self._register()
