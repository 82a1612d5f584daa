"""Telegram is told our webhook when it changes, and an operator what is amiss with a bot."""

import time
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.alerts import _resolved
from khronos.channels.telegram.api import BotApi
from khronos.conversation import registration
from khronos.models import Alert, Channel, DeadLetter
from tasks import ops
from tests.conftest import TOKEN
from tests.factories import make_channel

ANOTHER = "515151:another"
PUBLIC = "https://talk.example"
pytestmark = pytest.mark.usefixtures("bus")


@pytest.fixture(autouse=True)
def public(settings: Settings, sim: Simulator) -> Iterator[None]:
    settings.PUBLIC_URL = PUBLIC
    _resolved.clear()
    yield
    sim.heal()
    for token in (TOKEN, ANOTHER):
        sim.telegram.set_webhook("", token=token)  # the simulator is everybody's
        sim.telegram.bot(token).commands.clear()


@pytest.fixture(autouse=True)
def another(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.add_bot(ANOTHER, username="another_bot")


def watch() -> None:
    """As the task does it: every channel, as it is in the database."""
    ops.watch_channels()


def times(sim: Simulator) -> int:
    """How often Telegram was told a webhook."""
    return len(sim.telegram.calls("setWebhook"))


def secret_at(sim: Simulator, token: str = TOKEN) -> str | None:
    """What Telegram has."""
    webhook = sim.telegram.bot(token).webhook
    return webhook.secret if webhook else None


def open_alerts() -> set[str]:
    return set(Alert.objects.filter(resolved_at=None).values_list("name", flat=True))


def trouble(monkeypatch: pytest.MonkeyPatch, message: str) -> None:
    """Telegram's word of what happened to its last delivery."""
    ask = BotApi.get_webhook_info
    said = {"last_error_date": int(time.time()), "last_error_message": message} if message else {}
    monkeypatch.setattr(BotApi, "get_webhook_info", lambda api: ask(api) | said)


def test_webhook_is_set_once(telegram: Channel, sim: Simulator) -> None:
    watch()
    watch()
    assert (times(sim), secret_at(sim)) == (1, "hush")
    webhook = sim.telegram.bot(TOKEN).webhook
    assert webhook is not None
    assert webhook.url == f"{PUBLIC}/webhooks/telegram/default/"


def test_changed_secret_reaches_telegram_once(telegram: Channel, sim: Simulator) -> None:
    watch()
    Channel.objects.update(secret="new", previous_secret="hush")
    watch()
    watch()
    assert (times(sim), secret_at(sim)) == (2, "new")


def test_changed_list_of_updates_reaches_telegram(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    watch()
    settings.TELEGRAM_ALLOWED_UPDATES = ["message"]
    watch()
    assert times(sim) == 2


def test_webhook_that_somebody_took_away_is_set_again(telegram: Channel, sim: Simulator) -> None:
    watch()
    BotApi(TOKEN).delete_webhook()
    watch()
    assert (times(sim), secret_at(sim)) == (2, "hush")


def test_what_telegram_did_not_take_is_told_again(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.fail(method="setWebhook", status=400, description="Bad Request: bad webhook")
    watch()
    assert (open_alerts(), secret_at(sim)) == ({"channel.default.unwatched"}, None)
    sim.heal()
    watch()
    assert (open_alerts(), secret_at(sim)) == (set(), "hush")


def test_secret_that_we_refuse_is_told_again(
    telegram: Channel, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch()
    trouble(monkeypatch, "Wrong response from the webhook: 403 Forbidden")
    watch()
    assert (times(sim), secret_at(sim)) == (2, "hush")
    assert open_alerts() == {"webhook.default"}


def test_other_trouble_is_an_alert_and_no_new_webhook(
    telegram: Channel, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch()
    trouble(monkeypatch, "Connection timed out (403 wait)")
    watch()
    assert (times(sim), secret_at(sim)) == (1, "hush")
    assert open_alerts() == {"webhook.default"}


def test_the_fingerprint_does_not_hold_the_secret(telegram: Channel, sim: Simulator) -> None:
    watch()
    telegram.refresh_from_db()
    assert len(telegram.registered) == 16
    assert "hush" not in telegram.registered


def test_one_failing_channel_does_not_keep_the_others_from_being_watched(
    telegram: Channel, sim: Simulator
) -> None:
    Channel.objects.update(secret="")  # it would admit everyone
    make_channel(slug="another", token=ANOTHER, secret="well")
    watch()
    assert [secret_at(sim), secret_at(sim, ANOTHER)] == [None, "well"]
    assert open_alerts() == {"channel.default.unwatched"}
    Channel.objects.filter(slug="default").update(secret="hush")
    watch()
    assert [secret_at(sim), secret_at(sim, ANOTHER)] == ["hush", "well"]
    assert open_alerts() == set()
    assert DeadLetter.objects.count() == 0


def test_refused_token_is_an_alert_until_it_is_mended(telegram: Channel, sim: Simulator) -> None:
    Channel.objects.update(token="999999:unknown")
    watch()
    assert open_alerts() == {"channel.default.unauthorized"}
    Channel.objects.update(token=TOKEN)
    watch()
    assert open_alerts() == set()


def test_a_bug_with_one_channel_is_raised_after_the_others(
    telegram: Channel, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_channel(slug="another", token=ANOTHER, secret="well")
    introduce = registration.introduce

    def stumble(channel: Channel, api: BotApi) -> None:
        if channel.slug == "default":
            raise ValueError("a bug")
        introduce(channel, api)

    monkeypatch.setattr(registration, "introduce", stumble)
    with pytest.raises(ValueError, match="a bug"):
        watch()
    assert [secret_at(sim), secret_at(sim, ANOTHER)] == [None, "well"]


def test_commands_are_offered_to_a_new_bot_in_both_languages(telegram: Channel, sim: Simulator) -> None:
    Channel.objects.update(username="")
    watch()
    watch()
    offered = sim.telegram.bot(TOKEN).commands
    assert [[each["command"] for each in offered[language]] for language in ("", "pt")] == [
        ["human", "assistant", "reset", "privacy", "help"]
    ] * 2
    assert len(sim.telegram.calls("setMyCommands")) == 2


def test_commands_that_somebody_chose_stay(telegram: Channel, sim: Simulator) -> None:
    Channel.objects.update(username="")
    BotApi(TOKEN).set_my_commands({"menu": "what we cook today"})
    watch()
    assert BotApi(TOKEN).get_my_commands() == [{"command": "menu", "description": "what we cook today"}]


def test_a_server_without_menus_is_no_trouble(telegram: Channel, sim: Simulator) -> None:
    Channel.objects.update(username="")
    sim.telegram.fail(method="getMyCommands", status=404, description="Not Found")
    watch()
    telegram.refresh_from_db()
    assert (telegram.username, open_alerts()) == (sim.telegram.bot(TOKEN).username, set())
