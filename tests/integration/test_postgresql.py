"""The limits that a real PostgreSQL was told (settings/databases.py), and the pool of connections to it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.test import Client

from bench.patience import until
from bench.simulator import Simulator
from khronos.conversation import thinkers
from khronos.database import give_back
from khronos.models import Channel, Delivery, Turn, Update
from khronos.models.commit import commit
from khronos.resilience.deadlines import within
from khronos.resilience.pools import PoolStats, of_psycopg
from tests.factories import make_turn
from tests.integration import way
from tests.integration.test_intake import SECRET, URL, post, update
from tests.stopwatch import Stopwatch

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="python -m tests.postgresql runs it"),
]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("statement_timeout", "30s"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("synchronous_commit", "on"),
    ],
)
def test_server_knows_our_limits(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        assert cursor.fetchone() == (value,)


def test_statement_that_takes_too_long_is_ended_and_the_connection_lives() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '50ms'")
        with pytest.raises(OperationalError, match="statement timeout"):
            cursor.execute("SELECT pg_sleep(30)")
        cursor.execute("RESET statement_timeout")
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_server_that_may_only_be_read_is_away_and_no_fault_of_what_was_asked(telegram: Channel) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        with pytest.raises(OperationalError, match="read-only transaction"):
            Channel.objects.filter(pk=telegram.pk).update(name="altered")
        transaction.set_rollback(True)
    assert not Channel.objects.filter(name="altered").exists()


def test_many_rows_are_changed_in_the_order_of_their_keys_wherever_they_lie() -> None:
    first, second = make_turn(), make_turn()
    Turn.objects.filter(pk=first.pk).update(fence=5)  # a row that was written lies behind the others

    def change() -> int:
        count = Turn.objects.all().change(fence=F("fence") + 1)
        give_back()
        return count

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            Turn.objects.filter(pk=first.pk).update(fence=6)
            changed = threads.submit(change)
            assert until(lambda: waiting_for_a_lock() == 1, 10)
            Turn.objects.filter(pk=second.pk).update(fence=8)
        assert changed.result(10) == 2
    assert list(Turn.objects.order_by("pk").values_list("fence", flat=True)) == [7, 9]


def waiting_for_a_lock() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return int(cursor.fetchone()[0])


# The pool. The tests look at it from outside: what they used themselves is given back first.

PEOPLE = 30
POOL_MAX = 10
SOON_S = 20.0  # patience, no promise


def stats() -> PoolStats:
    give_back()
    pool: Any = connection.pool  # type: ignore[attr-defined]
    return of_psycopg(pool.get_stats())


def sessions(where: str = "TRUE") -> int:
    """Of this process on the server, without the one that asks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'khronos manage'"
            f" AND pid <> pg_backend_pid() AND {where}"
        )
        count: int = cursor.fetchone()[0]
    give_back()
    return count


def assert_unused() -> None:
    """No thread has a connection; there are no more of them than there may be."""
    assert until(lambda: stats().in_use == 0, SOON_S)  # one that is still being made counts as well
    assert until(lambda: sessions("state <> 'idle'") == 0, SOON_S)
    assert stats().created <= POOL_MAX
    assert sessions() < POOL_MAX


@contextmanager
def crowd(size: int, job: Callable[[int], object], items: list[int]) -> Iterator[list["Future[object]"]]:
    """Each job in a thread of its own; what they did is awaited, and raised."""
    with ThreadPoolExecutor(size) as threads:
        under_way = [threads.submit(job, item) for item in items]
        yield under_way
    for each in under_way:
        each.result()


def asking(sim: Simulator, telegram: Channel) -> list[int]:
    for chat in range(1, PEOPLE + 1):
        sim.telegram.say(chat, "hi")
    way.fetch(telegram)
    way.dispatch()
    return list(way.due())


@pytest.mark.usefixtures("bus")
def test_thirty_turns_that_think_hold_no_connection(telegram: Channel, sim: Simulator) -> None:
    turns = asking(sim, telegram)
    sim.models.hold()
    with crowd(PEOPLE, thinkers.take, turns) as under_way:
        assert until(lambda: sim.models.loads["anthropic"].now == PEOPLE, 30)
        assert_unused()
        assert not any(each.done() for each in under_way)
        sim.models.let_go()
    assert_unused()
    assert Turn.objects.filter(state=Turn.State.ANSWERED).count() == PEOPLE
    assert len(sim.models.calls()) == PEOPLE


@pytest.mark.usefixtures("bus")
def test_thirty_sends_that_telegram_keeps_waiting_hold_no_connection(
    telegram: Channel, sim: Simulator
) -> None:
    turns = asking(sim, telegram)
    slow = sim.telegram.fail("delay", seconds=4.0, method="sendMessage")
    with crowd(PEOPLE, thinkers.take, turns) as under_way:
        assert until(lambda: slow.hits == PEOPLE, 30)
        assert_unused()
        assert not any(each.done() for each in under_way)
    assert_unused()
    assert Delivery.objects.filter(state=Delivery.State.SENT).count() == PEOPLE


def test_those_who_wait_for_the_pen_hold_no_connection() -> None:
    writing, go_on = threading.Event(), threading.Event()

    def slow() -> int:
        writing.set()
        assert go_on.wait(30)
        return Update.objects.count()

    def read_and_write(_number: int) -> int:
        Update.objects.count()
        return commit(Update.objects.count)

    with crowd(1, lambda _: commit(slow), [0]):
        assert writing.wait(10)
        with crowd(PEOPLE, read_and_write, list(range(PEOPLE))) as waiting:
            assert until(lambda: of_those_who_read() == PEOPLE and stats().in_use == 1, 10)
            assert not any(each.done() for each in waiting)
            go_on.set()
    assert_unused()


def of_those_who_read() -> int:
    from khronos.models.commit import _pen

    return len(_pen._waiting)


@pytest.mark.usefixtures("bus")
def test_exhausted_pool_refuses_in_time_and_recovers(
    telegram: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool: Any = connection.pool  # type: ignore[attr-defined]
    monkeypatch.setattr(pool, "timeout", 0.5)
    assert post(update(1)) == 200
    give_back()
    taken = [pool.getconn(10) for _ in range(POOL_MAX)]
    try:
        with Stopwatch() as watch:
            response = Client().post(URL, update(2), content_type="application/json", headers=SECRET)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
        assert watch.took_s + watch.stood_s >= 0.5
        assert watch.took_s < 3
        assert of_psycopg(pool.get_stats()).in_use == POOL_MAX
    finally:
        for each in taken:
            pool.putconn(each)
    assert Update.objects.count() == 1
    assert post(update(2)) == 200
    assert Update.objects.count() == 2
    assert_unused()


def use(_number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.5)")
    give_back()


def test_connections_that_the_server_ended_are_replaced_unseen() -> None:
    with crowd(POOL_MAX, use, list(range(POOL_MAX))):
        pass
    assert sessions() >= 4
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
            " WHERE application_name = 'khronos manage' AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0] >= 4
    give_back()
    with Stopwatch() as watch:
        for _ in range(POOL_MAX):
            assert Update.objects.count() == 0
            give_back()
    assert watch.took_s < 1.0
    assert_unused()


def test_answer_that_comes_too_late_is_given_to_nobody() -> None:
    with Stopwatch() as watch, within(0.2), connection.cursor() as cursor, pytest.raises(OperationalError):
        cursor.execute("SELECT 'late', pg_sleep(5)")
    assert watch.took_s + watch.stood_s >= 1.0
    assert watch.took_s < 4
    give_back()
    for _ in range(POOL_MAX):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 'in time'")
            assert cursor.fetchone() == ("in time",)
        give_back()
    assert until(lambda: stats().in_use == 0, SOON_S)  # another is made in the place of the one that was late


def test_nothing_is_given_back_in_a_transaction() -> None:
    with transaction.atomic():
        Update.objects.count()
        before = connection.connection
        give_back()
        assert connection.connection is before
    give_back()
    assert connection.connection is None
