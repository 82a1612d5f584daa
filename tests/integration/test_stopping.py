"""Every kind of process, told to stop: seven steps in its log, nothing left open, exit code 0."""

import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.db import connection

from bench.patience import until
from bench.simulator import Simulator
from khronos.intake.poller import Poller
from khronos.launch.closing import close_databases
from khronos.models import Channel, Lease, Update
from khronos.observability import heartbeat
from khronos.resilience.shutdown import Stopping
from tests.integration.started import STARTS_S, Started, started_in

pytestmark = pytest.mark.django_db(transaction=True)

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
}


@pytest.fixture
def started(
    telegram: Channel, sim: Simulator, bus: "redis.Redis", valkey: str, tmp_path: Path
) -> Iterator[Started]:
    with started_in(tmp_path, valkey, sim.telegram_url) as made:
        yield made


def in_order(steps: list[tuple[int, str]], kind: str) -> None:
    first = [text if text == NOTHING or "finished" in text else rf"{text}, [\d.]+ s" for text in SAYS[kind]]
    count = "[1-9]" if kind in ("dispatcher", "poller") else r"\d"  # those of ended threads are gone
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


def test_page_that_arrives_after_the_stop_is_left_to_telegram(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.say(1, "hello")
    stopping = Stopping()
    poller = Poller(telegram, stopping)
    stopping.set()
    poller.poll()
    assert (Update.objects.count(), telegram.polling_offset, poller.in_hand) == (0, 0, 0)
    Poller(telegram, Stopping()).poll()
    assert Update.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "is_quiet", "closed"),
    [("thinker_0", True, True), ("thinker_0", False, False), ("poller", True, False)],
)
def test_database_is_closed_only_where_its_thread_rests(name: str, is_quiet: bool, closed: bool) -> None:
    opened, leave = threading.Event(), threading.Event()
    theirs: list[bool] = []

    def work() -> None:
        connection.ensure_connection()
        opened.set()
        leave.wait()
        theirs.append(connection.connection is None)
        connection.close()

    thread = threading.Thread(target=work, name=name)
    thread.start()
    opened.wait()
    close_databases(is_quiet)
    leave.set()
    thread.join()
    assert theirs == [closed]
