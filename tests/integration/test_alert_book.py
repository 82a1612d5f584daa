"""The database is away: alerts are kept in memory, told all the same, and written when it is back."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, connections, transaction
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.alerts import raise_alert, raise_without_database, resolve_alert
from khronos.alerts.book import Book, book
from khronos.guards.breakers import breaker
from khronos.herald import tell
from khronos.models import Alert
from tests.conftest import TOKEN
from tests.integration.alert_scene import CHAT, NAME, said, up

pytestmark = [pytest.mark.usefixtures("bus"), pytest.mark.django_db(transaction=True)]


@contextmanager
def locked_out() -> Iterator[None]:
    """Another has the table and does not let go; nobody is patient."""
    taken, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("LOCK TABLE khronos_alert IN ACCESS EXCLUSIVE MODE")
            else:
                cursor.execute("UPDATE khronos_alert SET count = count")
            taken.set()
            let_go.wait()
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait()
    impatience = {"postgresql": "SET lock_timeout = '50ms'", "sqlite": "PRAGMA busy_timeout = 50"}
    with connection.cursor() as cursor:
        cursor.execute(impatience[connection.vendor])
    try:
        yield
    finally:
        let_go.set()
        holder.join()
        connection.close()
        if connection.vendor == "postgresql":
            connection.close_pool()  # type: ignore[attr-defined]  # what is impatient goes, wherever it is


@pytest.fixture
def environment(alert_chat: None, settings: Settings) -> None:
    """The bot of the environment: its token stands in no row."""
    settings.TELEGRAM_BOT_TOKEN = TOKEN


def test_raised_without_a_database_is_written_when_it_is_back(db: None) -> None:
    with locked_out():
        for _ in range(3):
            up("warning")
        assert book.is_open
        assert not book.write()
    assert Alert.objects.count() == 0
    assert book.write()
    assert Alert.objects.values_list("name", "level", "count").get() == (NAME, "warning", 3)
    assert Alert.objects.get().tell_at is not None
    assert not book.is_open
    up("warning")
    assert Alert.objects.get().count == 4


@pytest.mark.usefixtures("environment")
def test_urgent_is_told_meanwhile_and_afterwards_only_its_end(sim: Simulator) -> None:
    with locked_out():
        up("critical", "breaker.database", "It failed.")
        up("warning", "backlog", "Much waits.")
        book.tell()
        book.tell()
        [text] = said(sim)
        assert text.startswith("🔥 The database does not answer\nbreaker.database: It failed.")
    book.write()
    row = Alert.objects.get(name="breaker.database")
    assert (row.told_by, row.tell_at, row.told_count) == ("Telegram", None, 1)
    assert tell.tell_due() == 1  # the warning, which could wait
    assert len(said(sim)) == 2
    resolve_alert("breaker.database")
    assert tell.tell_due() == 1
    assert said(sim)[2].startswith("✅ The database does not answer – over")


@pytest.mark.usefixtures("environment")
def test_of_many_processes_one_tells(sim: Simulator) -> None:
    others = [Book() for _ in range(3)]
    for each in others:
        each.raised("breaker.database", "critical", "It failed.")
        each.tell()
    assert len(said(sim)) == 1
    for each in others:
        assert each.write()
    assert Alert.objects.values_list("count", "tell_at").get() == (3, None) or Alert.objects.get().count == 3
    assert tell.tell_due() == 0


@pytest.mark.usefixtures("environment")
def test_what_could_not_be_told_meanwhile_is_told_late(sim: Simulator) -> None:
    sim.telegram.fail(status=500, method="sendMessage")
    raise_without_database(NAME, "error", "2 % are free.")
    book.tell()
    sim.telegram.heal()
    book.write()
    assert said(sim) == []
    assert tell.tell_due() == 1
    assert len(said(sim)) == 1


def test_over_before_the_database_was_back_keeps_its_times() -> None:
    times = iter([datetime(2026, 11, 21, 3, minute, tzinfo=UTC) for minute in (12, 16, 17)])
    own = Book(clock=lambda: next(times))
    own.raised(NAME, "error", "2 % are free.")
    own.raised(NAME, "error", "1 % is free.")
    own.over(NAME)
    assert own.write()
    row = Alert.objects.get()
    assert [f"{moment:%H:%M}" for moment in (row.raised_at, row.repeated_at, row.resolved_at) if moment] == [
        "03:12", "03:16", "03:17",
    ]  # fmt: skip
    assert (row.count, row.text) == (2, "1 % is free.")


def test_what_is_over_while_it_is_being_written_is_written_as_over() -> None:
    """The database is back: the book is written, and the breaker closes, at the same moment."""
    own = Book()
    own.raised("breaker.database", "critical", "It failed.")

    ends = [own.over]

    def meanwhile(execute: Callable[..., Any], *statement: Any) -> Any:
        while ends:
            ends.pop()("breaker.database")
        return execute(*statement)

    with connection.execute_wrapper(meanwhile):
        assert own.write()
    assert Alert.objects.get().resolved_at is None
    assert own.is_open
    assert own.write()
    assert Alert.objects.get().resolved_at is not None
    assert not own.is_open


def test_breaker_that_opens_and_closes_again_at_once_leaves_no_alert() -> None:
    for _ in range(2):
        raise_without_database("breaker.database", "critical", "It failed.")
        assert book.write()
        assert Alert.objects.get().resolved_at is None
        assert resolve_alert("breaker.database")
        assert Alert.objects.get().resolved_at is not None


@pytest.mark.parametrize("known", [True, False])
def test_an_end_while_the_database_is_away_is_written_too(known: bool) -> None:
    if known:
        up("info")
    with locked_out():
        raise_alert("another", "info", "Something.")
        resolve_alert(NAME)
    assert book.write()
    assert Alert.objects.filter(name=NAME).exists() == known
    assert Alert.objects.filter(name=NAME, resolved_at=None).count() == 0


def test_opening_of_the_databases_breaker_asks_it_nothing(
    environment: None,
    django_assert_num_queries: Callable[..., object],
    sim: Simulator,
    settings: Settings,
) -> None:
    settings.PUBLIC_URL = "https://bot.shop.example"
    with django_assert_num_queries(0):  # type: ignore[attr-defined]
        breaker("database").force_open()
    assert book.is_open
    book.tell()
    assert sim.telegram.answers(CHAT)[0].startswith("🔥 The database does not answer")
    assert "docs/runbooks/database-down.md" in sim.telegram.answers(CHAT)[0]
    assert "bot.shop.example" not in sim.telegram.answers(CHAT)[0]  # there is no page of it
    book.attend()
    assert Alert.objects.values_list("name", "told_by").get() == ("breaker.database", "Telegram")
