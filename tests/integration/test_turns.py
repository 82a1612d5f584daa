"""What becomes of a turn: answered once and in order, as its question was edited, or parked."""

import pytest

from bench.simulator import Simulator
from khronos.conversation import answer
from khronos.conversation import turn as turns
from khronos.conversation.replies import replies_to
from khronos.delivery.send import send_all
from khronos.models import Alert, Channel, Event, Message, Turn
from tests.integration import way

pytestmark = pytest.mark.usefixtures("bus")


def test_a_question_is_answered_and_every_step_is_an_event(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "what time is it?")
    way.all_the_way(telegram)
    assert sim.telegram.answers(way.ANA) == ["You said: what time is it?"]
    turn = Turn.objects.get()
    assert (turn.state, turn.provider, turn.due_at) == (Turn.State.ANSWERED, "anthropic", None)
    assert turn.output_tokens > 0
    assert list(Event.objects.order_by("pk").values_list("type", flat=True)) == [
        "inbox.message.received",
        "routing.handoff.requested",
        "agent.ai.response.generated",
        "outbox.message.sent",
    ]
    assert Event.objects.values("trace_id").distinct().count() == 1


def test_messages_that_wait_together_are_one_turn_with_one_answer(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "one", "two", "three")
    way.all_the_way(telegram)
    assert sim.telegram.answers(way.ANA) == ["You said: one\ntwo\nthree"]
    assert Turn.objects.count() == 1


def test_messages_of_a_turn_under_way_wait_for_the_next(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "first")
    way.fetch(telegram)
    way.dispatch()
    turn = turns.claim(Turn.objects.get().pk)
    assert turn is not None
    way.say(sim, "second")
    way.fetch(telegram)
    way.dispatch()
    waiting = Turn.objects.get(state=Turn.State.WAITING)
    assert turns.claim(waiting.pk) is None  # not while the first is under way
    turns.work_on(turn)
    way.hurry()
    way.answer()
    assert sim.telegram.answers(way.ANA) == ["You said: first", "You said: second"]


def test_answer_that_was_ready_before_the_one_ahead_was_sent_follows_it(
    telegram: Channel, sim: Simulator
) -> None:
    way.say(sim, "first")
    way.fetch(telegram)
    way.dispatch()
    turn = turns.claim(Turn.objects.get().pk)
    assert turn is not None
    deliveries = turns.work_on(turn)
    way.say(sim, "second")
    way.fetch(telegram)
    way.dispatch()
    turns.take(Turn.objects.get(state=Turn.State.WAITING).pk)
    assert sim.telegram.answers(way.ANA) == []  # order is kept
    send_all(deliveries, turn.conversation)
    turns.go_on(turn)
    assert sim.telegram.answers(way.ANA) == ["You said: first", "You said: second"]


def test_history_is_given_to_the_model_in_order(telegram: Channel, sim: Simulator) -> None:
    for text in ("one", "two", "three"):
        way.say(sim, text)
        way.all_the_way(telegram)
    assert [call.messages for call in sim.models.calls()] == [1, 3, 5]


def test_reset_puts_aside_what_was_said(telegram: Channel, sim: Simulator) -> None:
    for text in ("my name is Ana", "/reset", "who am I?"):
        way.say(sim, text)
        way.all_the_way(telegram)
    assert sim.models.calls()[-1].messages == 1


def test_question_edited_before_its_answer_is_answered_as_edited(telegram: Channel, sim: Simulator) -> None:
    update = sim.telegram.say(way.ANA, "wrong words")
    way.fetch(telegram)
    way.dispatch()
    assert update.message_id is not None
    sim.telegram.edit(way.ANA, update.message_id, "right words")
    way.all_the_way(telegram)
    assert sim.telegram.answers(way.ANA) == ["You said: right words"]


def test_question_edited_while_it_is_answered_is_read_again(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "hm")
    way.fetch(telegram)
    way.dispatch()
    original = replies_to

    def edited_meanwhile(turn: Turn, messages: list[Message]) -> list[answer.Reply]:
        replies = original(turn, messages)
        if messages[0].text == "hm":
            Message.objects.update(text="better")
            Turn.objects.update(amended=True)
        return replies

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turns, "replies_to", edited_meanwhile)
        way.answer()
    assert sim.telegram.answers(way.ANA) == ["You said: better"]


def test_outage_parks_tells_once_and_answers_later(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "are you there?")
    sim.models.fail(status=529)
    way.fetch(telegram)
    way.dispatch()
    for _ in range(3):
        way.hurry()
        turns.take(Turn.objects.get().pk)
    turn = Turn.objects.get()
    assert (turn.state, turn.apologised, turn.deferrals) == (Turn.State.PARKED, True, 3)
    sim.models.heal()
    way.hurry()
    way.answer()
    notices = sim.telegram.answers(way.ANA)
    assert len(notices) == 2
    assert notices[1] == "You said: are you there?"


def test_wrong_key_parks_for_long_and_raises_one_alert(telegram: Channel, sim: Simulator) -> None:
    sim.models.require_keys(["another"])
    way.say(sim, "hi")
    way.fetch(telegram)
    way.dispatch()
    way.answer()
    turn = Turn.objects.get()
    assert turn.state == Turn.State.PARKED
    assert len(sim.models.calls()) == 1
    assert Alert.objects.get(resolved_at=None).name == "provider.anthropic.unauthorized"
    sim.models.require_keys([])
    way.hurry()
    way.answer()
    assert Alert.objects.filter(resolved_at=None).count() == 0
