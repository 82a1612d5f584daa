"""A private RabbitMQ: an ordinary child process with its own ports, name, cookie and folder, on 127.0.0.1."""

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import amqp
import psutil

from bench.patience import free_ports, until

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # the one in the PATH is for the service's user alone
VHOSTS = ("/", "pieces")  # whole instances; single parts of one
KEPT = ("PATH", "KHRONOS_CI_RUN")  # the latter is CI's mark on all that it starts
START_S = 180.0
STOP_S = 30.0
USER = PASSWORD = "guest"

# Two schedulers that sleep when there is nothing to do, as little memory as it can do with.
ERLANG = (
    "+S 2:2 +SDcpu 1:1 +SDio 2 +A 4 +sbwt none +sbwtdcpu none +sbwtdio none"
    " -kernel inet_dist_use_interface {127,0,0,1}"
)


def is_installed() -> bool:
    return SERVER.exists() and shutil.which("epmd") is not None


class RabbitMQ:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self._inner_port, self._names_port = free_ports(3)
        self.process: subprocess.Popen[bytes] | None = None
        self._names: subprocess.Popen[bytes] | None = None
        self._write_files()

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        with tempfile.TemporaryDirectory(prefix="khronos-rabbitmq-", ignore_cleanup_errors=True) as folder:
            server = cls(Path(folder))
            try:
                server.start()
                yield server
            finally:
                server.end()

    def url(self, vhost: str = "/") -> str:
        return f"amqp://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{vhost.replace('/', '%2F')}"

    # From start to end

    def start(self) -> None:
        """Serves when this returns, with what it held when it was ended."""
        if self._names is None:  # otherwise the server would leave one behind
            command = ["epmd", "-port", str(self._names_port), "-address", "127.0.0.1"]
            self._names = subprocess.Popen(command, env=self._environment(), stderr=subprocess.DEVNULL)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [SERVER], env=self._environment(), cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        if not until(self.is_up, START_S, every=0.1):
            raise TimeoutError(f"RabbitMQ is not up after {START_S} s:\n{self.said()}")

    def is_up(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"RabbitMQ has ended:\n{self.said()}")
        with suppress(OSError, amqp.AMQPError), self.connection():
            return True
        return False

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(STOP_S)

    def kill(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(STOP_S)

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Whatever state it is in; its helpers go with it."""
        helpers: list[psutil.Process] = []
        for process in filter(None, (self.process, self._names)):
            with suppress(psutil.NoSuchProcess):
                helpers += psutil.Process(process.pid).children(recursive=True)
            process.kill()
            process.wait(STOP_S)
        for helper in helpers:
            with suppress(psutil.NoSuchProcess):
                helper.kill()

    # What it holds, what it said

    def connection(self, vhost: str = "/") -> "amqp.Connection":
        return amqp.Connection(
            f"127.0.0.1:{self.port}", USER, PASSWORD, virtual_host=vhost, connect_timeout=2.0
        )

    def waiting_in(self, queue: str, vhost: str = "/") -> int:
        with self.connection(vhost) as connection:
            channel: Any = connection.channel()
            return int(channel.queue_declare(queue, passive=True).message_count)

    def purge(self, *queues: str, vhost: str = "/") -> int:
        """Answers how many messages are gone."""
        with self.connection(vhost) as connection:
            channel: Any = connection.channel()
            return sum(int(channel.queue_purge(queue)) for queue in queues)

    def control(self, *words: str) -> None:
        """What an operator does with `rabbitmqctl`."""
        command = [str(SERVER.with_name("rabbitmqctl")), *words]
        subprocess.run(
            command, env=self._environment(), cwd=self.folder, check=True, stdout=subprocess.DEVNULL
        )

    def said(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")[-4000:]

    def _environment(self) -> dict[str, str]:
        return {
            **{name: os.environ[name] for name in KEPT if name in os.environ},
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),  # of its cookie
            "ERL_EPMD_PORT": str(self._names_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RUNNING_UNDER_SYSTEMD": "true",  # the child is the server itself, without a shell around it
            "RABBITMQ_NODENAME": f"khronos-{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._inner_port),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "environment"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
        }

    def _write_files(self) -> None:
        files = {
            "rabbitmq.conf": CONFIGURATION.format(port=self.port, definitions=self.folder / "definitions"),
            "definitions": json.dumps(definitions()),
            "plugins": "[].\n",
            "environment": "",
        }
        for name, text in files.items():
            (self.folder / name).write_text(text)


CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
vm_memory_high_watermark.absolute = 256MB
disk_free_limit.absolute = 50MB
load_definitions = {definitions}
log.console = true
log.console.level = warning
log.file = false
"""


def definitions() -> dict[str, Any]:
    salt = b"salt"
    hashed = base64.b64encode(salt + hashlib.sha256(salt + PASSWORD.encode()).digest()).decode()
    user = {"name": USER, "password_hash": hashed, "tags": "administrator"}
    everything = {"user": USER, "configure": ".*", "write": ".*", "read": ".*"}
    return {
        "users": [user | {"hashing_algorithm": "rabbit_password_hashing_sha256"}],
        "vhosts": [{"name": name} for name in VHOSTS],
        "permissions": [everything | {"vhost": name} for name in VHOSTS],
    }
