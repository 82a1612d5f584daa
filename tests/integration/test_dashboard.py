"""The dashboard's numbers are those of the rows, and are shown to operators alone."""

import inspect
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
import redis
from django.db import OperationalError
from django.test import Client
from django.utils import timezone, translation
from pytest_django import Settings

from bench.patience import until
from khronos import checks
from khronos.conversation import pausing
from khronos.desk.dashboard import board as boards
from khronos.desk.dashboard import sizes, verdict, views, work
from khronos.desk.dashboard.phrases import phrases
from khronos.desk.dashboard.questions import Answer, Question
from khronos.models import (
    Alert,
    Channel,
    Delivery,
    HealthCheck,
    Turn,
    Update,
    check,
)
from khronos.resilience import breakers, process, roster
from tests import factories as make

SOON_S = 30.0  # patience, no promise
ADDRESSES = ("/dashboard/data", "/dashboard/services", "/dashboard/memory")
TOKEN = "token-of-the-tests"


# Who may look


@pytest.fixture
def fresh(settings: Settings, bus: "redis.Redis", transactional_db: None) -> Iterator[None]:
    """Nothing is remembered of other tests; the questions' threads run, and see the rows."""
    settings.METRICS_TOKEN = TOKEN
    forget()
    assert until(lambda: boards.board.look()["work"].ok, SOON_S)
    forget()
    yield
    forget()


def forget() -> None:
    boards.board.answers = {}
    for question in boards.board.questions.values():
        question.due_at, question.data, question.good_at = 0.0, None, 0.0


def seen(client: Client, address: str = "/dashboard") -> Any:
    """A machine that is busy may not know in time who asks; the page then tries again by itself."""
    looks = []

    def is_known() -> bool:
        looks.append(client.get(address))
        return looks[-1].status_code != 503

    until(is_known, SOON_S)
    return looks[-1]


def remember(client: Client) -> None:
    """It is told by a cookie, once the numbers are not late."""
    assert until(lambda: views.WAS_HERE in seen(client).cookies, SOON_S)


def shown(address: str) -> dict[str, Any]:
    response = Client().get(address, headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200
    said: dict[str, Any] = response.json()
    return said


def shown_when(holds: Callable[[dict[str, Any]], object], address: str) -> dict[str, Any]:
    """A machine that is busy does not answer all questions in time at the first look."""
    looks = []

    def is_whole() -> object:
        looks.append(shown(address))
        return holds(looks[-1])

    until(is_whole, SOON_S)
    return looks[-1]


def errors(said: dict[str, Any]) -> dict[str, str]:
    return {name: part["error"] for name, part in said["parts"].items() if part["error"]}


def failing(said: dict[str, Any]) -> set[str]:
    return {name for name, check in said["checks"].items() if not check["ok"]}


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("address", ADDRESSES)
def test_strangers_are_refused_and_told_the_way_in(address: str) -> None:
    for headers in ({}, {"Authorization": "Bearer guess"}, {"Cookie": "sessionid=made-up"}):
        response = Client().get(address, headers=headers)
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert list(response.json()) == ["error"]


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("address", ADDRESSES)
def test_staff_need_no_token_and_others_are_no_staff(address: str) -> None:
    for is_staff, status in ((True, 200), (False, 401)):
        client = Client()
        client.force_login(make.make_user(is_staff=is_staff, is_superuser=False))
        assert seen(client, address).status_code == status


@pytest.mark.usefixtures("fresh")
def test_the_page_asks_to_sign_in_and_leads_back() -> None:
    stranger, client = Client(), Client()
    client.force_login(make.make_user(is_staff=False, is_superuser=False))
    for each in (stranger, client):
        response = seen(each)
        assert (response.status_code, response.headers["Location"]) == (302, "/admin/login/?next=/dashboard")
        assert views.WAS_HERE not in response.cookies


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(("language", "title"), [("en", "Dashboard"), ("pt-br", "Painel ao vivo")])
def test_the_page_speaks_the_viewers_language_and_needs_nothing_inline(language: str, title: str) -> None:
    client = Client(headers={"Accept-Language": language})
    client.force_login(make.make_user())
    response = seen(client)
    page = response.content.decode()
    assert f"Khronos · {title}" in page
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert "style=" not in page
    assert "onclick" not in page
    assert "//" not in page.replace("<!doctype html>", "")  # nothing comes from elsewhere


@pytest.mark.usefixtures("fresh")
def test_the_word_of_before_is_of_one_session_and_not_to_be_forged() -> None:
    """It counts only while the database cannot be asked (tests/acceptance/test_dashboard_outages.py)."""
    client = Client()
    client.force_login(make.make_user())
    remember(client)
    cookie = client.cookies[views.WAS_HERE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/dashboard")
    stranger = Client()
    stranger.cookies["sessionid"] = "another"
    stranger.cookies[views.WAS_HERE] = cookie.value
    for address in ADDRESSES:
        assert seen(stranger, address).status_code == 401
    request = seen(client).wsgi_request
    assert views.was_staff(request)
    request.COOKIES["sessionid"] = "another"
    assert not views.was_staff(request)


@pytest.mark.usefixtures("fresh")
def test_numbers_that_are_late_make_nobody_a_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator who was never here before, while a busy machine answers the questions too late."""
    monkeypatch.setattr(boards.board, "look", lambda: {"work": Answer(ok=False)})
    client = Client()
    client.force_login(make.make_user())
    response = seen(client)
    assert (response.status_code, views.WAS_HERE in response.cookies) == (200, True)
    assert views.WAS_HERE not in seen(client).cookies  # its own word of before renews nothing
    assert seen(Client(headers={"Cookie": "sessionid=made-up"})).status_code == 302


@pytest.mark.usefixtures("fresh")
def test_while_nobody_can_tell_who_asks_the_page_waits_and_the_numbers_stay_shut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known, unknown = Client(), Client()
    for client in (known, unknown):
        client.force_login(make.make_user())
    remember(known)
    monkeypatch.setattr(boards.board, "look", lambda: {"work": Answer(ok=False)})
    monkeypatch.setattr(views, "is_staff", Mock(side_effect=OperationalError("no answer")))
    response = unknown.get("/dashboard")
    assert (response.status_code, response.headers["Refresh"]) == (503, "2")
    assert "tries again by itself" in response.content.decode()
    for address in ADDRESSES:
        response = unknown.get(address)
        assert (response.status_code, list(response.json())) == (503, ["error"])
    assert seen(known).status_code == 200
    assert Client().get("/dashboard").status_code == 302


# What waits


@pytest.mark.django_db
def test_what_waits_is_counted_by_what_it_waits_for() -> None:
    now = timezone.now()
    for state, ago_s in ((Turn.State.WAITING, 5), (Turn.State.WORKING, 7), (Turn.State.PARKED, 90)):
        turn = make.make_turn(state=state)
        Turn.objects.filter(pk=turn.pk).update(created_at=now - timedelta(seconds=ago_s))
    for state in (Turn.State.ANSWERED, Turn.State.SILENT, Turn.State.BURIED):
        turn = make.make_turn(state=state)
        Turn.objects.filter(pk=turn.pk).update(created_at=now - timedelta(hours=5))
    make.make_delivery()
    make.make_delivery(state=Delivery.State.SENT)
    make.make_update(received_at=now - timedelta(seconds=20))
    make.make_update(received_at=now - timedelta(hours=9), state=Update.State.DISPATCHED)
    said = work.look()["waiting"]
    counts = {name: said[name] for name in ("updates", "turns", "working", "parked", "deliveries")}
    assert counts == {"updates": 1, "turns": 3, "working": 1, "parked": 1, "deliveries": 1}
    assert 90 <= said["oldest_s"] < 100
    assert Client().get(said["url"]).status_code == 302  # a page that there is


@pytest.mark.django_db
def test_what_needs_a_person_is_named_the_worst_first_each_with_its_page() -> None:
    for level in (Alert.Level.INFO, Alert.Level.CRITICAL, Alert.Level.WARNING):
        make.make_alert(name=f"alert.{level}", level=level)
    make.make_alert(name="alert.over", level=Alert.Level.CRITICAL, resolved_at=timezone.now())
    make.make_dead_letter()
    make.make_dead_letter(replayed_at=timezone.now())
    make.make_update(state=Update.State.QUARANTINED)
    pausing.pause("delivery", by="rita")
    HealthCheck.objects.create(name="backup", ok=False, detail="late", checked_at=timezone.now())
    said = work.look()
    names = [alert["name"] for alert in said["alerts"]["shown"] if alert["name"].startswith("alert.")]
    assert names == ["alert.critical", "alert.warning", "alert.info"]
    assert (said["dead_letters"]["count"], said["quarantined"]["count"]) == (1, 1)
    assert [(pause["name"], pause["by"]) for pause in said["paused"]["shown"]] == [("queue delivery", "rita")]
    assert (said["checks"]["backup"]["state"], said["checks"]["backup"]["detail"]) == ("bad", "late")
    operator = Client()
    operator.force_login(make.make_user())
    parts = [*said["alerts"]["shown"], *said["paused"]["shown"]]
    parts += [said[name] for name in ("alerts", "dead_letters", "quarantined", "paused")]
    assert {operator.get(part["url"]).status_code for part in parts} == {200}


@pytest.mark.django_db
def test_the_first_message_ends_the_welcome() -> None:
    assert work.look()["is_empty"]
    make.make_message()
    assert not work.look()["is_empty"]


# All of it together


@pytest.mark.usefixtures("fresh")
def test_everything_is_answered_together(telegram: Channel) -> None:
    said = shown_when(lambda said: not errors(said), "/dashboard/data")
    assert errors(said) == {}
    assert set(said["parts"]) == {"work", "hour", "usage", "stores", "machine", "sizes", "checks"}
    stores = said["parts"]["stores"]["data"]
    names = {breaker["name"] for breaker in stores["breakers"]}
    assert names == {"anthropic", "openai", "transcriber", "embedder", "telegram", "database"}
    assert stores["queues"] == {"agent.ai": 0, "delivery": 0, "embeddings": 0, "ops": 0}
    assert [finding["code"] for finding in said["findings"]] == ["checks_failing"]  # no agent runs
    assert said["findings"][0]["args"] == {"names": ["workers"]}


@pytest.mark.usefixtures("fresh")
def test_the_twins_name_processes_and_sizes() -> None:
    services = shown_when(lambda said: failing(said) == {"workers"}, "/dashboard/services")
    memory = shown_when(lambda said: said.get("database_mb") and said.get("valkey_mb"), "/dashboard/memory")
    assert set(services) == {"version", "uptime_s", "services", "alive", "checks"}
    assert services["services"] == []  # no supervisor runs here
    assert services["alive"] == {"agent": 0, "worker": 0, "dispatcher": 0, "beat": 0, "poller": 0}
    assert failing(services) == {"workers"}
    assert set(memory) == {"processes", "machine", "python", "valkey_mb", "database_mb"}
    assert memory["machine"]["available_mb"] < memory["machine"]["total_mb"]
    assert memory["database_mb"] == round(sizes.database_bytes() / roster.MIB, 1)
    assert 0 < memory["valkey_mb"] < 100
    assert 10 < memory["python"]["rss_mb"] < 2000


@pytest.mark.usefixtures("fresh")
def test_a_broken_part_leaves_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ValueError("broken")

    monkeypatch.setitem(boards.board.questions, "usage", Question(fail))
    said = shown_when(lambda said: set(errors(said)) == {"usage"}, "/dashboard/data")
    assert errors(said) == {"usage": "ValueError: broken"}
    assert {name for name, part in said["parts"].items() if not part["ok"]} == {"usage"}


def test_every_state_and_finding_has_a_word() -> None:
    states = [*check.State, *breakers.State, *process.State]
    wanted = {f"state.{state}" for state in states} | {f"level.{level}" for level in Alert.Level.values}
    codes = re.findall(r'Finding\([^"]*"(?:danger|warning)", "(\w+)"', inspect.getsource(verdict))
    wanted |= {f"is.{code}" for code in [*codes, "database_away", "valkey_away", "oldest_waits"]}
    wanted |= {f"check.{name}" for name in checks.LOOKS}
    assert len(codes) > 8
    assert wanted - set(phrases()) == set()


def test_both_languages_have_the_same_holes() -> None:
    """A number that a translation forgets would not be shown."""
    with translation.override("en"):
        english = phrases()
    with translation.override("pt-br"):
        portuguese = phrases()
    assert set(english) == set(portuguese)
    assert sum(english[key] != portuguese[key] for key in english) > 100


def test_a_slash_at_its_end_leads_to_the_page(client: Client) -> None:
    answer = client.get("/dashboard/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/dashboard")
