"""The broker is away for a long while, under load. ABSENCE_S=300 makes it five minutes."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles
from typing import Protocol

import pytest

from bench.instance import Instance
from bench.patience import free_ports
from bench.simulator import Simulator
from tests.acceptance.conftest import EDIT
from tests.acceptance.stage import Stage, clean, exact, figures
from tests.rabbitmq import RabbitMQ
from tests.valkey import start_valkey

ABSENCE_S = float(os.environ.get("ABSENCE_S", "30"))
RATE = 4.0  # messages a second
CHATS = 20
BEFORE_S, AFTER_S = 5.0, 5.0  # how long people write while all is well
HEALED_S = 60.0
ACCEPTED_S = 1.0  # in which 95 of 100 updates have our 200 meanwhile


class Broker(Protocol):
    def stop(self) -> None: ...
    def start(self) -> None: ...


class Valkey:
    """Not the supervisor's: nobody starts it again."""

    def __init__(self, folder: str) -> None:
        self.port, self._folder = free_ports(1)[0], folder

    def start(self) -> None:
        self.process = start_valkey(self._folder, self.port)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@contextmanager
def played(env: dict[str, str]) -> Iterator[Stage]:
    with Simulator.start() as world, Instance(world, env=EDIT | env) as khronos:
        stage = Stage(world, khronos)
        stage.clear()
        yield stage


@pytest.fixture
def valkey_alone() -> Iterator[Valkey]:
    with tempfile.TemporaryDirectory(prefix="khronos-valkey-") as folder:
        server = Valkey(folder)
        server.start()
        yield server
        server.stop()


@pytest.mark.slow
@pytest.mark.timeout(ABSENCE_S * 2 + 240)
def test_absent_valkey_costs_time_alone(valkey_alone: Valkey) -> None:
    with played({"REDIS_URL": f"redis://127.0.0.1:{valkey_alone.port}/0"}) as stage:
        sit_out(valkey_alone, stage)


@pytest.mark.slow
@pytest.mark.timeout(ABSENCE_S * 2 + 240)
def test_absent_rabbitmq_costs_time_alone(rabbitmq: RabbitMQ) -> None:
    with played({"CELERY_BROKER_URL": rabbitmq.url()}) as stage:
        sit_out(rabbitmq, stage)


def sit_out(broker: Broker, stage: Stage) -> None:
    stage.world.models.think(0.2)
    a_chat = round((BEFORE_S + ABSENCE_S + AFTER_S) * RATE / CHATS)
    stage.play(CHATS, a_chat, arrival="paced", rate=RATE)
    time.sleep(BEFORE_S)
    before, restarts, memory = stage.accepted(), stage.restarts(), megabytes(stage)
    broker.stop()
    gone = time.monotonic()
    time.sleep(ABSENCE_S)
    accepted, grown = stage.accepted() - before, megabytes(stage) - memory
    broker.start()
    back = time.monotonic()
    verdict = stage.finish(AFTER_S + HEALED_S + 30)
    report(stage, accepted, grown, back - gone, time.monotonic() - back)
    assert accepted >= (ABSENCE_S - 5) * RATE  # nobody was sent away meanwhile
    assert figures(verdict) == exact(CHATS * a_chat)
    assert verdict.longest_wait < back - gone + HEALED_S
    assert acceptance_s(stage) < ACCEPTED_S
    assert stage.troubles() == clean()
    assert stage.restarts() == restarts


def acceptance_s(stage: Stage) -> float:
    """The 95th percentile."""
    updates = stage.world.telegram.updates()
    took = [update.accepted_at - update.pushed_at for update in updates if update.accepted_at]
    return quantiles(took, n=20)[-1]


def megabytes(stage: Stage) -> float:
    return sum(process.memory_info().rss for process in stage.khronos.all_processes()) / 2**20


def report(stage: Stage, accepted: int, grown: float, absence_s: float, healed_s: float) -> None:
    sys.stdout.write(
        f"away {absence_s:.0f} s; accepted meanwhile {accepted}, p95 {acceptance_s(stage) * 1000:.0f} ms;"
        f" all answered {healed_s:.1f} s after the return; memory {grown:+.0f} MB\n"
    )
