"""Another program holds SQLite's lock: intake waits until its deadline, and no longer."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, connections, transaction

from khronos.intake.accept import Receipt, accept
from khronos.models import Channel, Update
from khronos.resilience.deadlines import within
from tests.factories import make_update
from tests.integration.test_intake import update

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("bus")]

SQLITE_S = 10.0  # its own patience


@pytest.fixture(autouse=True)
def of_sqlite(db: None) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the other knows of deadlines by itself")


@pytest.fixture
def let_go(telegram: Channel) -> Iterator[threading.Event]:
    """The lock is held until this is set."""
    taken, over = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE khronos_update SET reason = reason")
            taken.set()
            over.wait(30)
        connections.close_all()

    make_update(channel=telegram)
    holder = threading.Thread(target=hold)
    holder.start()
    assert taken.wait(10)
    yield over
    over.set()
    holder.join()


def attempt(channel: Channel, number: int, for_s: float) -> Receipt | None:
    try:
        with within(for_s):
            return accept(channel, update(number))
    except OperationalError:
        return None
    finally:
        connections.close_all()


def test_nobody_waits_beyond_his_deadline_and_nothing_is_acknowledged(
    telegram: Channel, let_go: threading.Event
) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(4) as crew:
        receipts = list(crew.map(lambda number: attempt(telegram, number, 0.3), range(1, 5)))
    assert time.monotonic() - began < SQLITE_S / 2
    assert receipts == [None] * 4
    let_go.set()
    assert accept(telegram, update(1)).is_new
    assert Update.objects.count() == 2


def test_a_lock_that_is_let_go_in_time_costs_time_alone(telegram: Channel, let_go: threading.Event) -> None:
    timer = threading.Timer(0.5, let_go.set)
    timer.start()
    with ThreadPoolExecutor(4) as crew:
        receipts = list(crew.map(lambda number: attempt(telegram, number, 20.0), range(1, 5)))
    assert [receipt is not None and receipt.is_new for receipt in receipts] == [True] * 4
    assert Update.objects.count() == 5


def test_what_comes_after_has_its_own_patience_again(telegram: Channel) -> None:
    with within(0.3):
        accept(telegram, update(1))
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA busy_timeout").fetchone()[0] == SQLITE_S * 1000
