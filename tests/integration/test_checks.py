"""What is looked at unasked: kept, told when it changes, and never shown as good when nobody looks."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from khronos import checks
from khronos.alerts import _resolved, raise_alert
from khronos.checks import Look, look
from khronos.checks.database import database
from khronos.conversation.dispatcher import Dispatcher
from khronos.guards.breakers import breaker
from khronos.models import Alert, HealthCheck
from khronos.models.check import State
from khronos.observability.health import Amiss
from khronos.resilience.breakers import State as BreakerState

MINUTE = timedelta(minutes=1)
pytestmark = pytest.mark.usefixtures("bus", "transactional_db")


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Look]]:
    """An empty one, and nothing remembered."""
    own: dict[str, Look] = {}
    monkeypatch.setattr(look, "LOOKS", own)
    look.asking.cache_clear()
    _resolved.clear()
    yield own
    look.asking.cache_clear()


class Part:
    """As it is told to be."""

    def __init__(self, *trouble: str) -> None:
        self.trouble, self.level, self.asked = "".join(trouble), "", 0

    def ask(self) -> str:
        self.asked += 1
        if self.trouble:
            raise Amiss(self.trouble, self.level)
        return "fine"


def a_minute_later() -> list[str]:
    HealthCheck.objects.all().again()
    return look.look_around()


def row(name: str) -> HealthCheck:
    return HealthCheck.objects.get(name=name)


def open_alerts() -> list[tuple[str, str, str]]:
    return list(Alert.objects.filter(resolved_at=None).values_list("name", "level", "text"))


def test_what_was_seen_is_kept(table: dict[str, Look]) -> None:
    good, bad = Part(), Part("cannot be written")
    table |= {"good": Look(good.ask), "bad": Look(bad.ask)}
    assert look.look_around() == ["good", "bad"]
    assert [(row(name).state, row(name).detail) for name in table] == [
        (State.GOOD, "fine"),
        (State.BAD, "cannot be written"),
    ]
    assert row("good").checked_at is not None
    assert row("good").took_ms >= 0


def test_nobody_looks_before_it_is_due(table: dict[str, Look]) -> None:
    part = Part()
    table["part"] = Look(part.ask)
    look.look_around()
    assert look.look_around() == []
    assert part.asked == 1


def test_of_many_workers_one_looks(table: dict[str, Look]) -> None:
    claims = [HealthCheck.objects.claim("part", MINUTE) for _ in range(5)]
    assert claims == [True, False, False, False, False]


def test_how_long_it_is_like_this_and_how_often_it_was_seen_so(table: dict[str, Look]) -> None:
    part = Part()
    table["part"] = Look(part.ask)
    look.look_around()
    first = row("part").changed_at
    a_minute_later()
    assert (row("part").looks, row("part").changed_at) == (2, first)
    part.trouble = "away"
    a_minute_later()
    changed = row("part").changed_at
    assert row("part").looks == 1
    assert changed is not None
    assert first is not None
    assert changed > first


def test_a_single_blip_is_told_to_nobody(table: dict[str, Look]) -> None:
    part = Part("away")
    table["part"] = Look(part.ask)
    look.look_around()
    part.trouble = ""
    a_minute_later()
    assert Alert.objects.count() == 0


def test_the_second_bad_look_is_told_and_the_good_one_ends_it(table: dict[str, Look]) -> None:
    part = Part("away")
    table["part"] = Look(part.ask)
    look.look_around()
    a_minute_later()
    assert open_alerts() == [("check.part", "error", "part: away")]
    part.trouble = ""
    a_minute_later()
    assert open_alerts() == []
    assert Alert.objects.get().resolved_at is not None


def test_a_part_without_patience_is_told_at_once_with_its_own_level(table: dict[str, Look]) -> None:
    part = Part("ends in 10 days")
    part.level = "warning"
    table["part"] = Look(part.ask, patience=1, level="error")
    look.look_around()
    assert open_alerts() == [("check.part", "warning", "part: ends in 10 days")]


def test_what_others_tell_of_is_kept_and_not_told_twice(table: dict[str, Look]) -> None:
    table["part"] = Look(Part("url differs").ask, level="", patience=1)
    look.look_around()
    assert row("part").state == State.BAD
    assert Alert.objects.count() == 0


def test_one_that_hangs_is_named_and_delays_none(table: dict[str, Look]) -> None:
    hang, good = threading.Event(), Part()
    table |= {
        "hanging": Look(lambda: str(hang.wait(30)), deadline_s=0.3),
        "good": Look(good.ask, deadline_s=5.0),
    }
    began = time.monotonic()
    look.look_around()
    assert time.monotonic() - began < 5.0
    assert (row("hanging").state, row("hanging").detail) == (State.BAD, "no answer within 0.3 s")
    assert row("good").state == State.GOOD
    a_minute_later()
    assert good.asked == 2
    hang.set()


def test_what_nobody_looks_at_is_stale_and_not_good(table: dict[str, Look]) -> None:
    part = Part()
    table["part"] = Look(part.ask)
    look.look_around()
    long_ago = timezone.now() - 3 * MINUTE
    HealthCheck.objects.update(checked_at=long_ago + timedelta(seconds=5))
    assert row("part").state == State.GOOD
    HealthCheck.objects.update(checked_at=long_ago - timedelta(seconds=1))
    assert row("part").state == State.STALE


def test_a_row_that_was_never_looked_at_is_not_good_either(table: dict[str, Look]) -> None:
    HealthCheck.objects.create(name="part")
    assert row("part").state == State.UNSEEN
    HealthCheck.objects.update(created_at=timezone.now() - 4 * MINUTE)
    assert row("part").state == State.STALE


def test_what_does_not_concern_this_installation_is_off_and_not_good(table: dict[str, Look]) -> None:
    table["part"] = Look(lambda: "off: no Telegram channel")
    look.look_around()
    assert (row("part").state, row("part").ok) == (State.OFF, True)


def test_a_check_of_an_older_version_is_forgotten(table: dict[str, Look]) -> None:
    HealthCheck.objects.create(name="forgotten")
    table["part"] = Look(Part().ask)
    look.look_around()
    assert list(HealthCheck.objects.values_list("name", flat=True)) == ["part"]


def test_every_real_check_answers_in_words() -> None:
    """On the machine of the tests: an agent and litestream are not there, the rest is."""
    look.asking.cache_clear()
    assert look.look_around() == list(checks.LOOKS)
    seen = {row.name: row for row in HealthCheck.objects.all()}
    assert {name for name, each in seen.items() if not each.ok} - {"disk", "memory"} == (
        {"workers", "backup"}
    ), {name: each.detail for name, each in seen.items()}
    for name, words in {
        "database": "writable",
        "redis": "answers",
        "webhook": "off: no Telegram channel",
        "providers": "off: no key; the offline assistant answers",
        "certificate": "off: PUBLIC_URL is no https address",
        "workers": "no agent is alive",
    }.items():
        assert seen[name].detail == words
    assert seen["clock"].detail.startswith("database, Redis and this machine agree within 0.")
    look.asking.cache_clear()


def test_a_beat_that_stands_still_is_noticed_by_the_dispatcher(
    table: dict[str, Look], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks at all parts cannot tell that nobody looks."""
    table["beat"] = Look(Part().ask)
    look.look_around()
    dispatcher = Dispatcher()
    dispatcher.watch_the_watch()  # it has just begun: beat may be starting too
    monkeypatch.setattr(dispatcher, "_watch_at", 0.0)
    dispatcher.watch_the_watch()
    assert open_alerts() == []
    HealthCheck.objects.update(checked_at=timezone.now() - timedelta(minutes=4))
    dispatcher.watch_the_watch()  # asked a moment ago
    assert open_alerts() == []
    monkeypatch.setattr(dispatcher, "_watch_at", 0.0)
    dispatcher.watch_the_watch()
    assert [(name, level) for name, level, _ in open_alerts()] == [("check.beat", "error")]
    a_minute_later()
    assert open_alerts() == []


def test_a_look_at_the_database_ends_the_trouble_that_nobody_else_would_ask_about() -> None:
    breaker("database").force_open(for_s=0)
    assert [name for name, *_ in open_alerts()] == []  # its opening asks the database nothing
    raise_alert("breaker.database", "critical", "It does not answer.")
    assert database() == "writable"
    assert breaker("database").snapshot().state is BreakerState.CLOSED
    assert open_alerts() == []


def test_a_breaker_of_the_database_that_rests_is_left_to_rest() -> None:
    breaker("database").force_open(for_s=60)
    assert database() == "writable"
    assert breaker("database").snapshot().state is BreakerState.OPEN


def test_a_database_that_is_well_is_asked_once_a_look() -> None:
    with CaptureQueriesContext(connection) as asked:
        assert database() == "writable"
    asking = "BEGIN IMMEDIATE" if connection.vendor == "sqlite" else "pg_is_in_recovery"
    assert sum(asking in each["sql"] for each in asked) == 1


def test_a_database_that_is_only_read_closes_no_breaker() -> None:
    breaker("database").force_open(for_s=0)
    name = "query_only" if connection.vendor == "sqlite" else "default_transaction_read_only"
    verb, off = (
        ("PRAGMA", f"PRAGMA {name} = OFF") if connection.vendor == "sqlite" else ("SET", f"RESET {name}")
    )
    with connection.cursor() as cursor:
        cursor.execute(f"{verb} {name} = ON")
        try:
            with pytest.raises((Amiss, OperationalError)):
                database()
        finally:
            cursor.execute(off)
    assert breaker("database").snapshot().state is not BreakerState.CLOSED
