"""Buttons below alerts: whoever stands in the operators' chat mutes, nobody else does."""

import pytest
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.conversation.dispatcher import Dispatcher
from khronos.herald import presses, tell
from khronos.models import Alert, Channel, Contact, Conversation, Message, Turn, Update
from tests.factories import make_channel
from tests.integration import way
from tests.integration.alert_scene import CHAT, Clock, said, up

pytestmark = [pytest.mark.usefixtures("bus")]
STRANGER = 9


def told(sim: Simulator) -> tuple[int, dict[str, str]]:
    """The last message of the operators' chat: its id, and its buttons by what they say."""
    message = sim.telegram.view(CHAT)[-1]
    markup = message.raw.get("reply_markup")
    rows = markup["inline_keyboard"] if isinstance(markup, dict) else []
    return message.message_id, {each["text"]: each["callback_data"] for row in rows for each in row}


def hear(channel: Channel) -> None:
    """Fetch, dispatch, and do the job that is rung for."""
    way.fetch(channel)
    waiting = list(Update.objects.waiting().values_list("pk", flat=True))
    dispatcher = Dispatcher()
    outcome = None

    def keep(found: object) -> None:
        nonlocal outcome
        outcome = found

    dispatcher.proclaim = keep  # type: ignore[method-assign,assignment]
    dispatcher.dispatch(waiting)
    for pk in getattr(outcome, "presses", []):
        presses.answer(pk)


@pytest.fixture
def alert(alert_chat: None, wall: Clock, sim: Simulator) -> Alert:
    up()
    tell.tell_due()
    return Alert.objects.get()


def nothing_said() -> bool:
    return not any(noun.objects.exists() for noun in (Conversation, Message, Turn, Contact))


def test_a_press_mutes_and_says_who_until_when(alert: Alert, telegram: Channel, sim: Simulator) -> None:
    message_id, buttons = told(sim)
    assert list(buttons) == ["🔇 1 h", "🔇 8 h", "🔇 until it is over"]
    sim.telegram.press(CHAT, message_id, buttons["🔇 1 h"])
    hear(telegram)
    alert.refresh_from_db()
    assert (alert.muted_by, alert.muted_until_over) == (f"Person {CHAT}", False)
    [text] = said(sim)
    assert f"🔇 Muted by Person {CHAT} until 04:12." in text
    assert list(told(sim)[1]) == ["🔔 Unmute"]
    [answer] = sim.telegram.calls("answerCallbackQuery")
    assert answer.done
    assert nothing_said()


def test_a_press_lifts_it_again(alert: Alert, telegram: Channel, sim: Simulator) -> None:
    for wanted in ("🔇 until it is over", "🔔 Unmute"):
        message_id, buttons = told(sim)
        sim.telegram.press(CHAT, message_id, buttons[wanted])
        hear(telegram)
    alert.refresh_from_db()
    assert (alert.muted_by, alert.muted_until, alert.muted_until_over) == ("", None, False)
    assert "Muted" not in said(sim)[0]


@pytest.mark.parametrize("data", ["alert:1h:{pk}", "alert:over:{pk}", "alert:unmute:{pk}"])
def test_a_stranger_who_forges_a_press_changes_nothing(
    alert: Alert, telegram: Channel, sim: Simulator, data: str
) -> None:
    before = Alert.objects.values().get()
    sim.telegram.open_chat(STRANGER)
    shown = sim.telegram.say(STRANGER, "hi")
    sim.telegram.press(STRANGER, shown.message_id or 0, data.format(pk=alert.pk))
    hear(telegram)
    assert Alert.objects.values().get() == before
    assert Message.objects.count() == 2  # what a button press of a contact has always been


def test_a_bot_that_is_not_the_one_of_the_alerts_is_not_believed(
    alert: Alert, telegram: Channel, sim: Simulator
) -> None:
    sim.telegram.press(CHAT, told(sim)[0], f"alert:over:{alert.pk}")
    way.fetch(telegram)
    another = make_channel(slug="another", kind="telegram", token="7:another")
    Update.objects.update(channel=another)
    way.dispatch()
    alert.refresh_from_db()
    assert not alert.muted_until_over


@pytest.mark.parametrize(
    "data", ["alert:1h:", "alert:1h:x", f"alert:1h:{'9' * 30}", "alert::1", "alert:boo:1"]
)
def test_nonsense_in_the_right_chat_is_harmless(
    alert: Alert, telegram: Channel, sim: Simulator, data: str
) -> None:
    before = Alert.objects.values().get()
    sim.telegram.press(CHAT, told(sim)[0], data)
    hear(telegram)
    assert Alert.objects.values().get() == before
    assert Update.objects.filter(state=Update.State.QUARANTINED).count() == 0


def test_pressed_twice_and_pressed_too_late(
    alert: Alert, telegram: Channel, sim: Simulator, wall: Clock
) -> None:
    message_id, buttons = told(sim)
    for _ in range(2):
        sim.telegram.press(CHAT, message_id, buttons["🔇 8 h"])
    hear(telegram)
    assert len(said(sim)) == 1
    assert [call.done for call in sim.telegram.calls("answerCallbackQuery")] == [True, True]
    Alert.objects.end(alert.name, wall.moment())
    sim.telegram.press(CHAT, message_id, "alert:1h:" + str(alert.pk))
    hear(telegram)
    assert said(sim)[0].startswith("✅")
    assert told(sim)[1] == {}


def test_what_operators_write_there_is_answered_as_ever(
    alert: Alert, telegram: Channel, sim: Simulator
) -> None:
    sim.telegram.say(CHAT, "hello")
    way.all_the_way(telegram)
    assert said(sim)[-1] == "You said: hello"


def test_alerts_speak_the_language_of_the_setting(
    alert_chat: None, wall: Clock, sim: Simulator, settings: Settings
) -> None:
    settings.ALERT_LANGUAGE = "pt-br"
    up()
    tell.tell_due()
    assert said(sim)[0].startswith("❌ O disco está quase cheio\n")
    assert "Desde 03:12." in said(sim)[0]
    assert list(told(sim)[1]) == ["🔇 1 h", "🔇 8 h", "🔇 até terminar"]
