"""Telegram is the trouble: alerts reach people by webhook and e-mail, and return to it afterwards."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest
from django.db import connection
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.alerts import fallbacks
from khronos.alerts.words import News
from khronos.channels.signature import is_signed
from khronos.exceptions import Failure, Unauthorized
from khronos.guards.breakers import breaker
from khronos.herald import tell
from khronos.http import close_all
from khronos.models import Alert, Channel
from tests.integration.alert_scene import Clock, down, said, up
from tests.integration.mail_server import Mail, mail_server
from tests.integration.test_web_callback import Handler, Site, status

pytestmark = pytest.mark.usefixtures("bus")


@pytest.fixture
def hook(settings: Settings) -> Iterator[Site]:
    made = Site()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Of", (Handler,), {"site": made})) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        settings.ALERT_WEBHOOK_URL = f"http://127.0.0.1:{server.server_port}/alerts"
        settings.ALERT_WEBHOOK_SECRET = "hush"
        settings.ALERT_WEBHOOK_PRIVATE_NETWORKS = ["127.0.0.0/8"]
        yield made
        close_all()
        server.shutdown()
        thread.join()


@pytest.fixture
def mail(settings: Settings) -> Iterator[Mail]:
    with mail_server() as made:
        settings.EMAIL_URL = made.url
        settings.ALERT_EMAIL_TO = ["ops@shop.example", "boss@shop.example"]
        yield made


@pytest.mark.usefixtures("alert_chat")
def test_telegram_away_tells_by_fallback_and_its_end_by_telegram(
    wall: Clock, sim: Simulator, hook: Site, mail: Mail
) -> None:
    sim.telegram.fail(status=500, method="sendMessage")
    up()
    assert tell.tell_due() == 1
    assert Alert.objects.get().told_by == "webhook + e-mail"
    assert (len(hook.got), len(mail.letters), said(sim)) == (1, 1, [])
    sim.telegram.heal()
    wall.move(minutes=6)
    assert tell.tell_due() == 0  # it was told: not again
    down()
    assert tell.tell_due() == 1
    assert [text[0] for text in said(sim)] == ["✅"]
    assert (len(hook.got), len(mail.letters)) == (1, 1)


@pytest.mark.usefixtures("alert_chat")
def test_webhook_is_signed_json(wall: Clock, sim: Simulator, hook: Site, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://bot.shop.example"
    breaker("telegram").force_open()
    up()
    tell.tell_due()
    headers, body = hook.got[-1]  # before it, that Telegram is left alone
    stamp, signature = headers["X-Khronos-Timestamp"], headers["X-Khronos-Signature"]
    assert is_signed(["hush"], stamp, signature, body, now=time.time())
    told = json.loads(body)
    pk = Alert.objects.get(name="check.disk").pk
    assert {name: told[name] for name in ("type", "name", "level", "state", "count", "title")} == {
        "type": "alert", "name": "check.disk", "level": "error", "state": "open", "count": 1,
        "title": "The disk is nearly full",
    }  # fmt: skip
    assert told["since"].startswith("2026-11-21T03:12")
    assert told["url"] == f"https://bot.shop.example/admin/khronos/alert/{pk}/change/"
    assert told["runbook"] == "docs/runbooks/disk-full.md"
    assert sim.telegram.calls("sendMessage") == []


@pytest.mark.usefixtures("alert_chat")
def test_alerts_go_on_while_the_breaker_is_open_for_contacts(wall: Clock, sim: Simulator, mail: Mail) -> None:
    breaker("telegram").force_open()
    up()
    assert tell.tell_due() >= 1
    assert sim.telegram.calls("sendMessage") == []
    letter = mail.letters[-1]
    assert letter["Subject"] == "[Khronos] ❌ The disk is nearly full"
    assert letter["To"] == "ops@shop.example, boss@shop.example"
    assert "docs/runbooks/disk-full.md" in letter.get_content()
    assert {"ops@shop.example", "boss@shop.example"} == set(mail.receivers)


def test_without_a_telegram_channel_the_fallback_tells(
    db: None, wall: Clock, mail: Mail, settings: Settings
) -> None:
    settings.TELEGRAM_ALERT_CHAT_ID = "501"
    up()
    assert tell.tell_due() == 1
    assert Alert.objects.get().told_by == "e-mail"


def test_refused_token_is_told_by_fallback(
    telegram: Channel, alert_chat: None, wall: Clock, sim: Simulator, mail: Mail
) -> None:
    Channel.objects.update(token="424242:another")
    up()
    assert tell.tell_due() == 1
    assert len(mail.letters) == 1


@pytest.mark.usefixtures("alert_chat")
def test_one_fallback_of_two_is_enough(wall: Clock, sim: Simulator, hook: Site, mail: Mail) -> None:
    sim.telegram.fail(status=500, method="sendMessage")
    hook.answer = status(500)
    up()
    assert tell.tell_due() == 1
    assert Alert.objects.get().told_by == "e-mail"


@pytest.mark.usefixtures("alert_chat")
def test_all_means_away_is_told_when_one_is_back(wall: Clock, sim: Simulator, hook: Site, mail: Mail) -> None:
    sim.telegram.fail(status=500, method="sendMessage")
    hook.answer = status(503)
    mail.password = "another"
    up()
    assert tell.tell_due() == 0
    row = Alert.objects.get()
    assert (row.waits, row.told_at, row.tries) == (Alert.Waits.FAILURE, None, 1)
    assert "the mail server refuses our password" in row.trouble
    assert "the callback answered 503" in row.trouble
    sim.telegram.heal()
    wall.move(minutes=1)
    assert tell.tell_due() == 1
    assert (len(said(sim)), mail.letters) == (1, [])


def test_private_addresses_are_called_where_the_settings_say_so_alone(hook: Site, settings: Settings) -> None:
    settings.ALERT_WEBHOOK_PRIVATE_NETWORKS = []
    with pytest.raises(Failure, match="private address"):
        fallbacks.by_webhook(News("check.disk", "error", "t", "text"))
    assert hook.got == []


def test_wrong_password_says_so_and_shows_it_nowhere(mail: Mail) -> None:
    mail.password = "another"
    with pytest.raises(Unauthorized) as refusal:
        fallbacks.by_email(News("check.disk", "error", "t", "text"))
    assert "right" not in str(refusal.value)
    assert mail.letters == []


@pytest.mark.parametrize(
    "url",
    ["smtp://127.0.0.1:1", "smtps://127.0.0.1:1", "smtp://", "http://127.0.0.1", "nonsense", "smtp://h:x"],
)
def test_mail_that_cannot_go_is_a_failure_of_ours_and_nothing_else(url: str, settings: Settings) -> None:
    settings.EMAIL_URL, settings.ALERT_EMAIL_TO = url, ["ops@shop.example"]
    with pytest.raises(Failure):
        fallbacks.by_email(News("check.disk", "error", "t", "several\nlines"))
    assert not connection.in_atomic_block
