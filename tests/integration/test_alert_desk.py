"""Alerts in the operator's hands: the test alert, the command, the admin's buttons, the watch for trouble."""

import re
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.alerts import raise_alert
from khronos.bus import doorbell
from khronos.conversation import pausing
from khronos.herald import sweep, tell, watch
from khronos.models import Alert, Channel, Delivery, Event, Turn, Update
from khronos.resilience.spool import Spool
from tests import factories as make
from tests.integration.alert_scene import CHAT, NAME, down, said, up
from tests.integration.test_admin import act, page_of

pytestmark = pytest.mark.usefixtures("bus")
BEARER = {"Authorization": "Bearer let-me-in"}


def manage(*words: str) -> str:
    said = StringIO()
    call_command("alert", *words, stdout=said)
    return said.getvalue()


def names() -> set[str]:
    return set(Alert.objects.open().values_list("name", flat=True))


# The test alert


def test_token_or_staff_may_send_a_test_and_nobody_else(
    alert_chat: None, sim: Simulator, settings: Settings
) -> None:
    settings.METRICS_TOKEN = "let-me-in"
    browser = Client(enforce_csrf_checks=True)
    assert browser.post("/test-alert").status_code == 403  # no session, no token: not even staff is asked
    assert Client().post("/test-alert").status_code == 401
    assert Client().get("/test-alert", headers=BEARER).status_code == 405
    browser.force_login(make.make_user())
    assert browser.post("/test-alert").status_code == 403  # another site's form
    assert said(sim) == []
    page = browser.get("/admin/").content.decode()
    assert page
    token = browser.cookies["csrftoken"].value
    assert browser.post("/test-alert", {"level": "error"}, headers={"X-CSRFToken": token}).status_code == 200
    assert browser.post("/test-alert", headers={"Authorization": "Bearer wrong"}).status_code == 403
    assert Client().post("/test-alert?level=critical", headers=BEARER).status_code == 200
    assert [text.splitlines()[0] for text in said(sim)] == [
        "❌ This is a test of the alerts",
        "🔥 This is a test of the alerts",
    ]
    for is_staff in (True, False):
        visitor = Client()
        visitor.force_login(make.make_user(is_staff=is_staff, is_superuser=False))
        assert visitor.post("/test-alert").status_code == 401
    assert len(said(sim)) == 2


def test_test_says_by_what_and_why_not(telegram: Channel, sim: Simulator, settings: Settings) -> None:
    settings.METRICS_TOKEN = "let-me-in"
    nobody = Client().post("/test-alert", headers=BEARER)
    assert (nobody.status_code, nobody.json()["told"]) == (503, False)
    assert nobody.json()["means"]["Telegram"] == {
        "told": False,
        "off": True,
        "said": "is not configured. To have it: set TELEGRAM_BOT_TOKEN and TELEGRAM_ALERT_CHAT_ID in .env, "
        "and start again.",
    }
    assert nobody.json()["means"]["webhook"]["off"]
    assert Client().post("/test-alert?level=loud", headers=BEARER).status_code == 400
    settings.TELEGRAM_ALERT_CHAT_ID = "777"
    unknown = Client().post("/test-alert", headers=BEARER).json()["means"]["Telegram"]["said"]
    assert "chat not found" in unknown
    assert "correct TELEGRAM_ALERT_CHAT_ID" in unknown
    assert Alert.objects.count() == 0


# The command


def test_command_tests_lists_mutes_and_resolves(alert_chat: None, sim: Simulator) -> None:
    assert manage("list") == "No alert is open.\n"
    assert manage("test").splitlines()[0] == f"✅ Telegram: told the chat {CHAT}."
    raise_alert(NAME, "error", "2 % are free.")
    assert "to be told in a moment" in manage("list")
    assert manage("mute", NAME, "--hours", "2") == f"🔇 {NAME} is muted for 2 h, unless it gets worse.\n"
    assert "Muted by" in manage("list")
    assert tell.tell_due() == 0
    assert "heard of again" in manage("unmute", NAME)
    assert tell.tell_due() == 1
    assert manage("resolve", NAME).startswith(f"✅ {NAME} is over")
    assert manage("list") == "No alert is open.\n"
    assert NAME in manage("list", "--all")
    for number in range(50):
        raise_alert(f"many.{number}", "info", "Something.")
    assert "and more" not in manage("list")
    raise_alert("many.50", "info", "Something.")
    assert "and more: the newest 50 are shown" in manage("list")
    assert said(sim)[0].startswith("ℹ️ This is a test")


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["mute", "nothing"], "There is no alert nothing. Open are: –."),
        (["resolve", "nothing"], "There is no alert nothing"),
        (["mute", NAME], "over already"),
        (["unmute", NAME], "is not muted"),
        (["resolve", NAME], "over already"),
        (["mute", NAME, "--hours", "0"], "--hours"),
        (["test"], "Nobody was told"),
    ],
)
def test_command_says_what_does_not_fit(db: None, words: list[str], answer: str) -> None:
    make.make_alert(name=NAME, resolved_at=timezone.now())
    with pytest.raises(CommandError, match=answer):
        manage(*words)


# The admin


def test_admin_mutes_tells_again_and_resolves(client: Client, alert_chat: None, sim: Simulator) -> None:
    client.force_login(make.make_user(username="olga"))
    up()
    row = Alert.objects.get()
    page = act(client, "mute_8h", row)
    assert "Muted by olga until" in page
    assert "mute_1h" not in page.split("offers")[-1] or "unmute" in page
    row.refresh_from_db()
    assert row.muted_until is not None
    assert timedelta(hours=7.9) < row.muted_until - timezone.now() < timedelta(hours=8.1)
    act(client, "unmute", row)
    assert tell.tell_due() == 1
    assert tell.tell_due() == 0
    act(client, "tell_again", row)
    assert tell.tell_due() == 1
    assert [text[0] for text in said(sim)] == ["❌", "❌"]
    assert "told by Telegram" in client.get(page_of(row)).content.decode()
    act(client, "resolve", row)
    assert (tell.tell_due(), said(sim)[2][0]) == (1, "✅")


def test_admin_says_why_nobody_was_told(client: Client, db: None) -> None:
    client.force_login(make.make_user())
    up()
    tell.tell_due()
    page = client.get(page_of(Alert.objects.get())).content.decode()
    assert "not told yet: no chat is configured: set TELEGRAM_ALERT_CHAT_ID" in page
    assert "docs/runbooks/disk-full.md" in page


# The watch


def test_oldest_that_waits_is_an_alert_until_it_is_answered(db: None) -> None:
    turn = make.make_turn(reason="the model is away")
    watch.look()
    assert names() == set()
    Turn.objects.update(created_at=Now() - timedelta(seconds=90))
    watch.look()
    assert names() == {"stuck"}
    text = Alert.objects.get().text
    assert re.fullmatch(rf"Turn {turn.pk} waits for 9\d s\. It waits because: the model is away\.", text)
    pausing.pause(turn.conversation, "olga")  # waits on purpose
    down("stuck")
    watch.look()
    assert "stuck" not in names()


@pytest.mark.parametrize("noun", ["update", "delivery"])
def test_updates_and_deliveries_are_looked_at_too(db: None, noun: str) -> None:
    if noun == "update":
        make.make_update(received_at=timezone.now() - timedelta(minutes=2))
    else:
        row = make.make_delivery()
        Delivery.objects.filter(pk=row.pk).update(created_at=Now() - timedelta(minutes=2))
    watch.look()
    assert names() == {"stuck"}
    assert Alert.objects.get().text.startswith(noun.capitalize())


def test_backlog_is_an_alert_until_it_is_down_to_half(db: None, settings: Settings) -> None:
    settings.ALERT_BACKLOG = 4
    updates = [make.make_update() for _ in range(5)]
    watch.look_at_backlog()
    assert Alert.objects.get().text == "5 messages wait, more than 4."
    Update.objects.filter(pk__in=[each.pk for each in updates[:2]]).update(state=Update.State.DISPATCHED)
    watch.look_at_backlog()
    assert names() == {"backlog"}
    Update.objects.filter(pk=updates[2].pk).update(state=Update.State.DISPATCHED)
    watch.look_at_backlog()
    assert names() == set()


def test_many_failures_of_few_minutes_are_an_alert(db: None) -> None:
    for _ in range(95):
        make.make_event(type=Event.Type.MESSAGE_SENT)
    for _ in range(4):
        make.make_event(type=Event.Type.MESSAGE_FAILED)
    watch.look_at_errors()
    assert names() == set()  # 4 % of them
    for _ in range(3):
        make.make_event(type=Event.Type.MESSAGE_FAILED)
    watch.look_at_errors()
    assert Alert.objects.get().text == "7% of 102 messages of 5 minutes failed."
    Event.objects.filter(type=Event.Type.MESSAGE_FAILED).update(timestamp=Now() - timedelta(minutes=6))
    down("errors.rate")
    assert names() == set()
    watch.look_at_errors()
    assert names() == set()


# What the supervisor leaves


def test_notes_of_the_supervisor_become_alerts(db: None, settings: Settings, tmp_path: Path) -> None:
    settings.KHRONOS_HOME = tmp_path
    left = Spool(tmp_path / "run" / "alerts")
    assert sweep.take_notes() == 0
    left.put({"name": "process.web.given_up", "level": "critical", "text": "web is given up."})
    left.put({"name": "process.agent", "level": "warning", "text": "agent died."})
    left.put({"name": "process.agent"})
    left.put({"name": "process.never-seen"})
    assert sweep.take_notes() == 4
    assert names() == {"process.web.given_up"}
    assert Alert.objects.get(name="process.agent").resolved_at is not None
    assert not Alert.objects.filter(name="process.never-seen").exists()
    assert sweep.take_notes() == 0
    assert doorbell.waiting_in("ops") > 0


def test_what_happened_is_told_in_the_language_of_the_alerts(
    db: None, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.KHRONOS_HOME, settings.ALERT_LANGUAGE = tmp_path, "pt-br"
    note = {"text": "%(process)s died (%(how)s).", "process": "agent", "how": "100 %s"}
    Spool(tmp_path / "run" / "alerts").put({"name": "process.agent", "level": "warning", **note})
    sweep.take_notes()
    assert Alert.objects.get(name="process.agent").text == "agent morreu (100 %s)."
    assert "alert: agent died (100 %s)." in caplog.messages
    raise_alert("stuck", "error", "In words of somebody else, 100 %.")
    assert Alert.objects.get(name="stuck").text == "In words of somebody else, 100 %."


@pytest.mark.django_db
def test_a_name_in_the_list_is_whole_whatever_stands_beside_it() -> None:
    name = "callback:a-shop-with-a-long-name.example"
    raise_alert(name, "error", "It is away. " * 20)
    assert [line.split()[1] for line in manage("list").splitlines() if name in line] == [name]
    assert "times" in manage("list")
