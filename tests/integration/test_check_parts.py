"""What single checks say of a world that is as it should be, and of one that is not."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.channels.telegram.api import BotApi
from khronos.checks import machine, memory, providers, timetable
from khronos.checks.certificate import certificate as look_at_certificate
from khronos.checks.webhook import webhook
from khronos.models import Channel
from khronos.observability.health import Amiss
from khronos.resilience import roster
from khronos.resilience.roster import Entry
from khronos.resilience.wallclock import WallClock
from tests.integration.raw_server import Caller, Script, answer, polite, serving
from tests.integration.test_http_tls import certificate, encrypted, https, trusted

__all__ = ["certificate", "trusted"]
PUBLIC = "https://talk.example"
ADDRESS = f"{PUBLIC}/webhooks/telegram/default/"
DAY_S = 86_400


def complaint(ask: Callable[[], object]) -> str:
    with pytest.raises(Amiss) as caught:
        ask()
    return str(caught.value)


def always(status: str) -> Script:
    def script(caller: Caller) -> None:
        while True:
            caller.read_request()
            caller.send(answer(b"{}", status))

    return script


# Telegram


def test_without_a_bot_nobody_is_asked(db: None) -> None:
    assert webhook() == "off: no Telegram channel"


def test_a_webhook_as_it_should_be(telegram: Channel, settings: Settings) -> None:
    settings.PUBLIC_URL = PUBLIC
    BotApi(telegram.token).set_webhook(ADDRESS, "hush", [])
    assert webhook() == "default: as it should be"


def test_a_webhook_of_somebody_else_is_named_and_left_alone(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.PUBLIC_URL = PUBLIC
    BotApi(telegram.token).set_webhook("https://other.example/", "hush", [])
    before = len(sim.telegram.calls("setWebhook"))
    assert complaint(webhook) == (f"default: the webhook is https://other.example/, and should be {ADDRESS}")
    assert len(sim.telegram.calls("setWebhook")) == before


def test_a_webhook_is_named_where_messages_are_fetched(telegram: Channel, settings: Settings) -> None:
    settings.PUBLIC_URL = ""
    BotApi(telegram.token).set_webhook(ADDRESS, "hush", [])
    assert complaint(webhook) == f"default: the webhook is {ADDRESS}, and should be none"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"pending_update_count": 100}, ""),
        ({"pending_update_count": 101}, "101 updates wait"),
        ({"last_error_message": "Connection refused", "last_error_date": 0}, ""),
        ({"last_error_message": "Connection refused", "last_error_date": 1}, "Connection refused (0 wait)"),
    ],
)
def test_what_telegram_says_of_its_deliveries(
    telegram: Channel, settings: Settings, monkeypatch: pytest.MonkeyPatch, said: dict[str, object], told: str
) -> None:
    settings.PUBLIC_URL = PUBLIC
    if "last_error_date" in said:
        said = said | {"last_error_date": int(time.time()) if said["last_error_date"] else 1_000_000}
    monkeypatch.setattr(BotApi, "get_webhook_info", lambda _api: {"url": ADDRESS} | said)
    if told:
        assert complaint(webhook) == f"default: {told}"
    else:
        assert webhook() == "default: as it should be"


def test_a_refused_token_is_named_without_itself(telegram: Channel) -> None:
    Channel.objects.update(token="999999:unknown-token")
    said = complaint(webhook)
    assert said.startswith("default: ")
    assert "unknown-token" not in said


# Models


@pytest.fixture
def anthropic(sim: Simulator, settings: Settings) -> Simulator:
    settings.OPENAI_API_KEY = ""
    sim.models.require_keys([])
    return sim


def test_without_a_key_no_provider_is_asked(settings: Settings) -> None:
    settings.ANTHROPIC_API_KEY = settings.OPENAI_API_KEY = ""
    assert providers.providers() == "off: no key; the offline assistant answers"


@pytest.mark.usefixtures("db")
def test_both_providers_know_their_model(anthropic: Simulator, settings: Settings) -> None:
    settings.OPENAI_API_KEY = "sk-simulated"
    assert providers.providers() == "anthropic knows claude-sonnet-5-5, openai knows gpt-5-mini"
    assert anthropic.models.calls() == []  # nothing that costs


@pytest.mark.usefixtures("db")
def test_a_wrong_key_is_named_without_itself(anthropic: Simulator, settings: Settings) -> None:
    settings.ANTHROPIC_API_KEY = "sk-ant-wrong-key"
    anthropic.models.require_keys(["sk-ant-right"])
    said = complaint(providers.providers)
    anthropic.models.require_keys([])
    assert said.startswith("anthropic refuses our key: 401")
    assert "sk-ant-wrong-key" not in said


@pytest.mark.usefixtures("db")
def test_an_unknown_model_is_named(anthropic: Simulator, settings: Settings) -> None:
    settings.ANTHROPIC_MODEL = "claude-3-7-sonnet"
    assert complaint(providers.providers).startswith("anthropic does not know our model: 404")


@pytest.mark.usefixtures("db")
def test_a_stand_in_without_a_list_of_models_is_well(settings: Settings) -> None:
    settings.ANTHROPIC_API_KEY, settings.OPENAI_API_KEY = "sk-ant-simulated", ""
    with serving(always("404 Not Found")) as server:
        settings.ANTHROPIC_BASE_URL = server.url
        assert providers.providers() == f"anthropic knows {settings.ANTHROPIC_MODEL}"


@pytest.mark.usefixtures("db")
def test_a_provider_that_is_away_or_fails_is_named(settings: Settings) -> None:
    settings.ANTHROPIC_API_KEY, settings.OPENAI_API_KEY = "sk-ant-simulated", ""
    settings.ANTHROPIC_BASE_URL = "http://127.0.0.1:1"
    assert complaint(providers.providers).startswith("anthropic does not answer: ConnectionRefusedError")
    with serving(always("529 Overloaded")) as server:
        settings.ANTHROPIC_BASE_URL = server.url
        assert complaint(providers.providers).startswith("anthropic fails: 529")


# The certificate


def test_days_of_a_certificate(
    certificate: Path, trusted: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is good for two days when it is made."""
    now = time.time()
    with serving(encrypted(certificate, polite)) as server:
        settings.PUBLIC_URL = https(server)
        for ahead_days, level in [(0, "error"), (-8, "warning"), (-20, "")]:
            monkeypatch.setattr(time, "time", lambda ahead_days=ahead_days: now + ahead_days * DAY_S)
            if level:
                with pytest.raises(Amiss, match="renew it") as caught:
                    look_at_certificate()
                assert caught.value.level == level
            else:
                assert look_at_certificate() == "good for 22 days"


def test_a_certificate_that_nobody_trusts(certificate: Path, settings: Settings) -> None:
    with serving(encrypted(certificate, polite)) as server:
        settings.PUBLIC_URL = https(server)
        assert complaint(look_at_certificate).startswith("the world does not trust 127.0.0.1: self")


def test_an_address_that_does_not_answer(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://127.0.0.1:1"
    assert complaint(look_at_certificate) == "127.0.0.1 does not answer: Connection refused"


# Clocks, beat, copies


def test_a_jump_of_the_clock_is_told_for_ten_minutes() -> None:
    now = {"wall": 1_000_000.0, "steady": 50.0}
    jumps = machine.Jumps(WallClock(lambda: now["wall"], lambda: now["steady"]), lambda: now["steady"])
    assert jumps.recent_s() == 0.0
    now["wall"] -= 90.0
    assert jumps.recent_s() == pytest.approx(-90.0)
    for passed_s, told_s in [(599.0, -90.0), (2.0, 0.0)]:
        now["wall"] += passed_s
        now["steady"] += passed_s
        assert jumps.recent_s() == pytest.approx(told_s)


@pytest.mark.parametrize(("theirs", "drift_s"), [(97.0, -3.0), (100.0, 0.0), (109.9, 0.0), (113.0, 3.0)])
def test_an_answer_that_takes_ten_seconds_is_no_drift(
    monkeypatch: pytest.MonkeyPatch, theirs: float, drift_s: float
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "time", lambda: now[0])

    def ask() -> float:
        now[0] += 10
        return theirs

    assert machine.drift_s(ask) == drift_s


@pytest.mark.usefixtures("bus", "transactional_db")
def test_clocks_that_disagree_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.clock().startswith("database, Redis and this machine agree within 0.")
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3.0)
    said = complaint(machine.clock)
    for name in ("Redis", "database"):  # less what the question took
        assert re.search(rf"{name} is [23]\.\d s behind this machine", said)


@pytest.mark.django_db
def test_a_beat_that_fires_nothing_is_named() -> None:
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    every = IntervalSchedule.objects.create(every=30, period="seconds")
    task = PeriodicTask.objects.create(name="any", task="any", interval=every)
    assert timetable.beat() == "nothing fired yet"
    for age_s, is_well in [(100, True), (181, False)]:
        PeriodicTask.objects.filter(pk=task.pk).update(
            last_run_at=datetime.now(UTC) - timedelta(seconds=age_s)
        )
        assert timetable.beat().startswith("fired 10") if is_well else "181" in complaint(timetable.beat)


# Memory


def written_down(home: Path, name: str, process: psutil.Process) -> None:
    """As a supervisor does: we are it, and it has started one other."""
    entries = [Entry(roster.SUPERVISOR, os.getpid(), psutil.Process().create_time(), "running", 0)]
    entries.append(Entry(name, process.pid, process.create_time(), "running", 0))
    (home / "run").mkdir()
    roster.of_home(home).write_text(json.dumps([asdict(entry) for entry in entries]), "utf-8")


def test_a_process_near_its_limit_of_memory_is_named(settings: Settings, tmp_path: Path) -> None:
    settings.KHRONOS_HOME = tmp_path
    waits = [sys.executable, "-c", "input()"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, start_new_session=True) as child:
        written_down(tmp_path, "agent", psutil.Process(child.pid))
        settings.MAX_MEMORY_MB = 1
        assert re.fullmatch(r"agent uses \d+ MB of 1", complaint(memory.memory).split("; ")[-1])
        settings.MAX_MEMORY_MB = 500
        assert memory.of_processes() == []


def test_a_store_may_be_as_large_as_it_wants(settings: Settings, tmp_path: Path) -> None:
    settings.KHRONOS_HOME, settings.MAX_MEMORY_MB = tmp_path, 1
    waits = [sys.executable, "-c", "input()"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, start_new_session=True) as child:
        written_down(tmp_path, "valkey", psutil.Process(child.pid))
        assert memory.of_processes() == []


def test_a_machine_near_its_end_is_told(settings: Settings, tmp_path: Path) -> None:
    settings.KHRONOS_HOME, settings.ALERT_MEMORY = tmp_path, 0.0
    assert re.fullmatch(r"only \d+ MB available", complaint(memory.memory))
