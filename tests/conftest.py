"""What tests share: a real Valkey, a simulator of the outside world, channels to talk through.

A part that is missing on this machine skips its tests; in CI it fails them.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as examples
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.alerts import _resolved
from khronos.alerts.book import book
from khronos.bus import doorbell
from khronos.bus.connection import patient
from khronos.guards import breakers, caches, limits
from khronos.intake import channels
from khronos.models import Channel
from tests import s3
from tests.emptied import only_what_was_written_is_emptied
from tests.factories import make_channel
from tests.rabbitmq import RabbitMQ, is_installed
from tests.valkey import start_valkey

__all__ = ["only_what_was_written_is_emptied"]

VALKEY_S = 30.0
TOKEN = "424242:simulated-token"
OF_THE_DATABASE = {"db", "transactional_db", "live_server"}

# The same examples in each run, on a slow machine too; `--hypothesis-profile=default` looks for new ones.
examples.register_profile(
    "steady", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
examples.load_profile("steady")


def pytest_itemcollected(item: pytest.Item) -> None:
    """The mark `database` is given by itself: what has none need not be run on another one."""
    if OF_THE_DATABASE & set(getattr(item, "fixturenames", ())) or item.get_closest_marker("django_db"):
        item.add_marker("database")


def missing(part: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{part} is missing, and CI installs it")
    pytest.skip(f"{part} is missing")


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    folder = Path(os.environ["KHRONOS_TEST_HOME"]) / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    server = start_valkey(folder, settings.VALKEY_PORT)
    yield settings.REDIS_URL
    server.terminate()
    server.wait(VALKEY_S)


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    if not is_installed():
        missing("RabbitMQ")
    with RabbitMQ.started() as server:
        yield server


@pytest.fixture
def bus(valkey: str) -> "Iterator[redis.Redis]":
    """An empty one, which nobody rings any more when the test is over."""
    patient().flushall()
    breakers.store.cache_clear()
    breakers.breaker.cache_clear()
    limits.limiter.cache_clear()
    limits._learned.clear()
    for kept in (caches.answers(), caches.grants(), caches.tools(), caches.documented()):
        kept.memory.forget("*")
    yield patient()
    doorbell.bells.stop()


@pytest.fixture(autouse=True)
def nothing_to_tell() -> None:
    """What a process remembers of alerts."""
    book.clear()
    _resolved.clear()


@pytest.fixture(autouse=True)
def no_language_is_left() -> None:
    """A request leaves its language to its thread."""
    translation.deactivate()


@pytest.fixture(scope="session")
def simulated() -> Iterator[Simulator]:
    with Simulator.start() as simulator:
        yield simulator


@pytest.fixture
def sim(simulated: Simulator, settings: Settings) -> Iterator[Simulator]:
    """The outside world, healthy and empty, with our settings pointing at it."""
    settings.TELEGRAM_API_URL = simulated.telegram_url
    settings.ANTHROPIC_API_KEY = "sk-ant-simulated"
    settings.ANTHROPIC_BASE_URL = simulated.anthropic_url
    settings.OPENAI_BASE_URL = simulated.openai_url
    yield simulated
    simulated.heal()
    simulated.reset()


@pytest.fixture
def telegram(db: None, sim: Simulator) -> Channel:
    """A bot that the simulator knows."""
    channels.forget()
    sim.telegram.add_bot(TOKEN, username="khronos_bot")
    return make_channel(slug="default", kind="telegram", token=TOKEN, secret="hush", username="khronos_bot")


@pytest.fixture(scope="session")
def moto() -> Iterator[s3.S3]:
    with s3.started() as found:
        yield found


@pytest.fixture
def bucket(moto: s3.S3) -> Iterator[s3.S3]:
    """An empty one, which answers."""
    yield moto
    moto.gate.come_back()
    moto.wipe()
