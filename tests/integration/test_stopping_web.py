"""The web server, told to stop: requests in hand are answered, new ones refused, both its processes end."""

import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path

import psutil
import pytest
import redis

from bench.patience import until
from bench.simulator import Simulator
from khronos.launch.web import PATIENCE_S
from khronos.models import Channel
from tests.integration.started import ENDS_S, STARTS_S, Started, started_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def started(
    telegram: Channel, sim: Simulator, bus: "redis.Redis", valkey: str, tmp_path: Path
) -> Iterator[Started]:
    with started_in(tmp_path, valkey, sim.telegram_url) as made:
        yield made


def ask(port: int, path: str, method: str = "GET") -> tuple[int, bytes]:
    client = HTTPConnection("127.0.0.1", port, timeout=ENDS_S)
    try:
        client.request(method, path)
        response = client.getresponse()
        return response.status, response.read()
    finally:
        client.close()


def test_web_takes_seven_steps_and_ends_by_zero(started: Started) -> None:
    started.serve()
    assert ask(started.port, "/webhooks/telegram/default/", method="POST")[0] == 403  # looks the channel up
    child = started.child()
    assert started.stop() == 0
    assert not child.is_running()
    said = [re.sub(r"[\d.]+ s$|^\d(?= connections)|\d(?= Redis|$)", "N", text) for _, text in started.steps()]
    assert [number for number, _ in started.steps()] == [1, 2, 3, 4, 5, 6, 7]
    assert said == [
        "no new ones are taken, 0 in hand, N",
        "nothing to do",
        "0 finished, 0 left, N",
        "all answers are out, N",
        "closed, N",
        "N connections closed, 0 left to the end of the process, N",
        "closed N Redis clients and 0 kept connections, N",
    ]


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
    assert until(lambda: refused(started.port), 8.0)
    assert slow == []
    assert child.is_running()
    (started.home / "go on").touch()
    assert started.code() == 0
    assert until(lambda: slow, ENDS_S)
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
    started.send(signal.SIGTERM)
    # It loads to the end, which a busy machine draws out. Who did not hear would be waited for longer.
    assert started.process.wait(PATIENCE_S - 2) == 0
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
