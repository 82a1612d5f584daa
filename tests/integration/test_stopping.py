"""Every kind of process, told to stop: seven steps in its log, nothing left open, exit code 0."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import redis
from django.db import connection

from bench.patience import answers, free_ports, until
from bench.simulator import Simulator
from khronos.models import Channel, Lease
from khronos.observability import heartbeat

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(r"([1-7])/7 ([^:]+): (?!hangs)(.+)")
STARTS_S, ENDS_S = 20.0, 12.0
NOTHING = "nothing to do"
DATABASES = r"{count} connections closed, {left} left to the end of the process, [\d.]+ s"
QUEUE = r"closed, [\d.]+ s"
SOCKETS = r"closed [1-3] Redis clients and \d+ kept connections, [\d.]+ s"
JOBS = r"0 finished, 0 left, 0\.0 s"

COMMANDS = {
    "dispatcher": ["manage.py", "dispatcher"],
    "agent": ["manage.py", "worker", "agent.ai", "--threads", "2"],
    "worker": ["manage.py", "worker", "delivery", "embeddings", "ops", "--threads", "2"],
    "beat": ["manage.py", "beat"],
    "poller": ["manage.py", "poll"],
}
SAYS = {
    "dispatcher": [
        NOTHING,
        "the bus is read no more",
        JOBS,
        "what was told is marked; the rest stays on the bus",
    ],
    "agent": [NOTHING, "no more jobs are taken", JOBS, "0 given back"],
    "worker": [NOTHING, "no more jobs are taken", JOBS, "0 given back"],
    "beat": [NOTHING, "nothing more is fired", NOTHING, "the timetable is another one's"],
    "poller": [NOTHING, "Telegram is asked no more", JOBS, "1 bots left to other pollers"],
    "web": ["no new ones are taken, 0 in hand", NOTHING, JOBS, "all answers are out"],
}


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

    def code(self) -> int:
        assert self.process is not None
        return self.process.wait(ENDS_S)

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


@pytest.fixture
def started(
    telegram: Channel, sim: Simulator, bus: "redis.Redis", valkey: str, tmp_path: Path
) -> Iterator[Started]:
    made = Started(tmp_path, valkey, sim.telegram_url)
    yield made
    made.end()


def in_order(steps: list[tuple[int, str]], kind: str) -> None:
    first = [text if text == NOTHING or "finished" in text else rf"{text}, [\d.]+ s" for text in SAYS[kind]]
    count = "[1-9]" if kind in ("dispatcher", "beat", "poller") else r"\d"  # those of ended threads are gone
    left = "[01]" if kind == "poller" else "0"  # its thread may wait for Telegram
    expected = [*first, QUEUE, DATABASES.format(count=count, left=left), SOCKETS]
    assert [number for number, _ in steps] == [1, 2, 3, 4, 5, 6, 7]
    for (_, said), pattern in zip(steps, expected, strict=True):
        assert re.fullmatch(pattern, said), (said, pattern)


@pytest.mark.parametrize("kind", COMMANDS)
def test_process_takes_seven_steps_and_ends_by_zero(started: Started, kind: str) -> None:
    started.start(*COMMANDS[kind])
    assert until(lambda: heartbeat.alive(kind) == 1, STARTS_S)
    asked = time.monotonic()
    assert started.stop() == 0
    assert time.monotonic() - asked < 5.0
    in_order(started.steps(), kind)


def test_web_takes_seven_steps_and_ends_by_zero(started: Started) -> None:
    started.serve()
    assert ask(started.port, "/webhooks/telegram/default/", method="POST")[0] == 403  # looks the channel up
    child = started.child()
    assert started.stop() == 0
    assert not child.is_running()
    in_order(started.steps(), "web")


def test_poller_and_beat_let_their_leases_go(started: Started) -> None:
    for kind in ("poller", "beat"):
        started.start(*COMMANDS[kind])
        assert until(lambda: Lease.objects.exclude(holder="").count() == 1, STARTS_S)
        assert started.stop() == 0
        assert not Lease.objects.exclude(holder="").exists()
    assert Lease.objects.count() == 2


def test_second_signal_changes_nothing(started: Started) -> None:
    started.start(*COMMANDS["dispatcher"])
    assert until(lambda: heartbeat.alive("dispatcher") == 1, STARTS_S)
    started.send(signal.SIGTERM)
    started.send(signal.SIGINT)
    assert started.stop() == 0
    in_order(started.steps(), "dispatcher")


# The web server


def ask(port: int, path: str, method: str = "GET") -> tuple[int, bytes]:
    client = HTTPConnection("127.0.0.1", port, timeout=ENDS_S)
    try:
        client.request(method, path)
        response = client.getresponse()
        return response.status, response.read()
    finally:
        client.close()


@pytest.fixture
def slow(started: Started) -> Iterator[list[tuple[int, bytes]]]:
    """A request in hand; the answers come into the list."""
    got: list[tuple[int, bytes]] = []
    started.serve("tests.integration.slow_application:application")
    asking = threading.Thread(target=lambda: got.append(ask(started.port, "/slow")))
    asking.start()
    assert until((started.home / "begun").exists, STARTS_S)
    yield got
    (started.home / "go on").touch()
    asking.join()


def refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_request_in_hand_is_answered_and_new_ones_are_refused(
    started: Started, slow: list[tuple[int, bytes]]
) -> None:
    child = started.child()
    started.send(signal.SIGTERM)
    assert until(lambda: refused(started.port), 2.0)
    assert slow == []
    assert child.is_running()
    (started.home / "go on").touch()
    assert started.code() == 0
    assert until(lambda: slow, 2.0)
    assert slow == [(200, b"done")]
    steps = dict(started.steps())
    assert steps[1].startswith("no new ones are taken, 1 in hand")
    assert steps[3].startswith("1 finished, 0 left")
    assert sorted(steps) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.slow
def test_request_that_takes_too_long_is_left_without_an_answer(started: Started) -> None:
    """Its sender sends again: nothing was acknowledged."""
    started.serve("tests.integration.slow_application:application")
    asking = HTTPConnection("127.0.0.1", started.port, timeout=30)
    asking.request("GET", "/slow")
    assert until((started.home / "begun").exists, STARTS_S)
    asked = time.monotonic()
    started.send(signal.SIGTERM)
    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        asking.getresponse()
    asking.close()
    assert started.code() == 0
    assert 10.0 <= time.monotonic() - asked < 20.0
    steps = dict(started.steps())
    assert sorted(steps) == [1, 2, 3, 5, 6, 7]  # the fourth hangs
    assert steps[3].startswith("0 finished, 1 left, 10.")
    assert steps[6].startswith("0 connections closed")


def test_stop_while_the_application_loads_is_heard(started: Started) -> None:
    started.start("-m", "khronos.launch.web", "khronos.wsgi:application", "--port", str(started.port))
    assert started.process is not None
    parent = psutil.Process(started.process.pid)
    assert until(parent.children, STARTS_S, every=0.005)
    asked = time.monotonic()
    assert started.stop() == 0
    assert time.monotonic() - asked < 5.0
    assert refused(started.port)


def test_web_child_whose_parent_is_killed_says_farewell_too(started: Started) -> None:
    started.serve()
    child = started.child()
    started.send(signal.SIGKILL)
    assert started.code() == -signal.SIGKILL
    assert until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, ENDS_S)
    assert [number for number, _ in started.steps()] == [1, 2, 3, 4, 5, 6, 7]
    assert refused(started.port)


def test_web_parent_whose_child_is_killed_ends_and_is_noticed(started: Started) -> None:
    started.serve()
    started.child().kill()
    assert started.code() == 1
    assert started.steps() == []
