"""What becomes of messages: dispatched, answered once and in order, parked, handed off, buried."""

import pytest
from django.utils import timezone

from bench.simulator import Simulator
from khronos.conversation import answer, holding, sweep
from khronos.conversation import arrivals as rows
from khronos.conversation import dispatch as dispatching
from khronos.conversation import turn as turns
from khronos.conversation.phrases import phrase
from khronos.conversation.replies import replies_to
from khronos.delivery.send import send_all
from khronos.exceptions import LostLease
from khronos.intake.accept import accept
from khronos.models import (
    Alert,
    Channel,
    Contact,
    Conversation,
    DeadLetter,
    Delivery,
    Event,
    Message,
    Turn,
    Update,
)
from tests.factories import make_queue
from tests.integration import way

pytestmark = pytest.mark.usefixtures("bus")
ANA = 7


def said(sim: Simulator, *texts: str, chat: int = ANA) -> None:
    for text in texts:
        sim.telegram.say(chat, text)


def test_a_question_is_answered_and_every_step_is_an_event(telegram: Channel, sim: Simulator) -> None:
    said(sim, "what time is it?")
    way.all_the_way(telegram)
    assert sim.telegram.answers(ANA) == ["You said: what time is it?"]
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
    said(sim, "one", "two", "three")
    way.all_the_way(telegram)
    assert sim.telegram.answers(ANA) == ["You said: one\ntwo\nthree"]
    assert Turn.objects.count() == 1


def test_messages_of_a_turn_under_way_wait_for_the_next(telegram: Channel, sim: Simulator) -> None:
    said(sim, "first")
    way.fetch(telegram)
    way.dispatch()
    turn = turns.claim(Turn.objects.get().pk)
    assert turn is not None
    said(sim, "second")
    way.fetch(telegram)
    way.dispatch()
    waiting = Turn.objects.get(state=Turn.State.WAITING)
    assert turns.claim(waiting.pk) is None  # not while the first is under way
    turns.work_on(turn)
    way.hurry()
    way.answer()
    assert sim.telegram.answers(ANA) == ["You said: first", "You said: second"]


def test_answer_that_was_ready_before_the_one_ahead_was_sent_follows_it(
    telegram: Channel, sim: Simulator
) -> None:
    said(sim, "first")
    way.fetch(telegram)
    way.dispatch()
    turn = turns.claim(Turn.objects.get().pk)
    assert turn is not None
    deliveries = turns.work_on(turn)
    said(sim, "second")
    way.fetch(telegram)
    way.dispatch()
    turns.take(Turn.objects.get(state=Turn.State.WAITING).pk)
    assert sim.telegram.answers(ANA) == []  # order is kept
    send_all(deliveries, turn.conversation)
    turns.go_on(turn)
    assert sim.telegram.answers(ANA) == ["You said: first", "You said: second"]


def test_dispatching_twice_is_as_once(telegram: Channel, sim: Simulator) -> None:
    said(sim, "hello")
    way.fetch(telegram)
    way.dispatch()
    Update.objects.update(state=Update.State.DISPATCHED)
    way.dispatch()
    way.answer()
    assert Message.objects.filter(author="contact").count() == 1
    assert sim.telegram.answers(ANA) == ["You said: hello"]


def test_an_update_left_behind_is_dispatched_before_a_later_one(telegram: Channel, sim: Simulator) -> None:
    from khronos.conversation.dispatch import dispatch

    said(sim, "first", "second")
    way.fetch(telegram)
    dispatch([Update.objects.order_by("-pk").first().pk])  # type: ignore[union-attr]
    assert list(Message.objects.order_by("pk").values_list("text", flat=True)) == ["first", "second"]


def test_poison_is_quarantined_and_holds_up_nothing(telegram: Channel, sim: Simulator) -> None:
    said(sim, "before")
    way.fetch(telegram)
    accept(telegram, b'{"update_id": 77, "message": {"chat": 5}}')
    said(sim, "after")
    way.all_the_way(telegram)
    assert sim.telegram.answers(ANA) == ["You said: before\nafter"]
    assert Update.objects.get(state=Update.State.QUARANTINED).reason


def test_outage_parks_tells_once_and_answers_later(telegram: Channel, sim: Simulator) -> None:
    said(sim, "are you there?")
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
    notices = sim.telegram.answers(ANA)
    assert len(notices) == 2
    assert notices[1] == "You said: are you there?"


def test_wrong_key_parks_for_long_and_raises_one_alert(telegram: Channel, sim: Simulator) -> None:
    sim.models.require_keys(["another"])
    said(sim, "hi")
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


def test_question_edited_before_its_answer_is_answered_as_edited(telegram: Channel, sim: Simulator) -> None:
    update = sim.telegram.say(ANA, "wrong words")
    way.fetch(telegram)
    way.dispatch()
    assert update.message_id is not None
    sim.telegram.edit(ANA, update.message_id, "right words")
    way.all_the_way(telegram)
    assert sim.telegram.answers(ANA) == ["You said: right words"]


def test_question_edited_while_it_is_answered_is_read_again(telegram: Channel, sim: Simulator) -> None:
    said(sim, "hm")
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
    assert sim.telegram.answers(ANA) == ["You said: better"]


def test_human_command_hands_off_and_the_bot_is_silent(telegram: Channel, sim: Simulator) -> None:
    queue = make_queue(tenant=telegram.tenant)
    said(sim, "/human")
    way.all_the_way(telegram)
    said(sim, "hello?")
    way.all_the_way(telegram)
    conversation = Conversation.objects.get()
    assert (conversation.handler, conversation.queue) == (Conversation.Handler.QUEUE, queue)
    assert sim.telegram.answers(ANA) == [phrase("human", "pt")]
    assert sim.models.calls() == []
    targets = [event.payload["target"] for event in Event.objects.filter(type="routing.handoff.requested")]
    assert targets.count(f"agent.queue.{queue.pk}") == 2


def test_reset_puts_aside_what_was_said(telegram: Channel, sim: Simulator) -> None:
    for text in ("my name is Ana", "/reset", "who am I?"):
        said(sim, text)
        way.all_the_way(telegram)
    assert sim.models.calls()[-1].messages == 1


def test_history_is_given_to_the_model_in_order(telegram: Channel, sim: Simulator) -> None:
    for text in ("one", "two", "three"):
        said(sim, text)
        way.all_the_way(telegram)
    assert [call.messages for call in sim.models.calls()] == [1, 3, 5]


def test_turn_that_kills_its_workers_is_buried_with_an_apology(telegram: Channel, sim: Simulator) -> None:
    said(sim, "poison")
    way.fetch(telegram)
    way.dispatch()
    pk = Turn.objects.get().pk
    for _ in range(3):
        assert turns.claim(pk) is not None  # and nothing more: the worker died
        way.hurry()
    way.answer()
    assert Turn.objects.get().state == Turn.State.BURIED
    assert DeadLetter.objects.get().key == str(pk)
    assert len(sim.telegram.answers(ANA)) == 1
    assert sim.models.calls() == []
    said(sim, "next")
    way.all_the_way(telegram)
    assert sim.telegram.answers(ANA)[-1] == "You said: next"


def test_worker_that_lost_its_lease_writes_nothing(telegram: Channel, sim: Simulator) -> None:
    said(sim, "slow")
    way.fetch(telegram)
    way.dispatch()
    frozen = turns.claim(Turn.objects.get().pk)
    assert frozen is not None
    way.hurry()
    way.answer()
    with pytest.raises(LostLease):
        turns.work_on(frozen)
    assert sim.telegram.answers(ANA) == ["You said: slow"]
    assert Message.objects.filter(author="bot").count() == 1


def test_blocked_contact_is_marked_and_heard_again(telegram: Channel, sim: Simulator) -> None:
    said(sim, "hi")
    sim.telegram.block(ANA)
    way.all_the_way(telegram)
    assert Contact.objects.get().is_blocked
    assert Delivery.objects.get().state == Delivery.State.FAILED
    sim.telegram.unblock(ANA)
    said(sim, "I am back")
    way.all_the_way(telegram)
    assert not Contact.objects.get().is_blocked
    assert sim.telegram.answers(ANA) == ["You said: I am back"]


def test_group_is_answered_only_when_addressed(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.say(-100, "lunch?", sender=ANA)
    sim.telegram.say(-100, "@khronos_bot what do you say?", sender=ANA)
    way.all_the_way(telegram)
    assert len(sim.telegram.answers(-100)) == 1
    assert Turn.objects.count() == 1
    assert Message.objects.filter(turn=None).count() == 1


def test_triage_sends_to_a_queue_by_its_words_and_all_else_to_the_bot(
    telegram: Channel, sim: Simulator
) -> None:
    Channel.objects.update(routing=Channel.Routing.TRIAGE)
    queue = make_queue(tenant=telegram.tenant, keywords=["invoice"])
    said(sim, "my invoice is wrong", chat=8)
    said(sim, "hello", chat=9)
    way.all_the_way(telegram)
    by_chat = {row.chat_id: row for row in Conversation.objects.all()}
    assert (by_chat["8"].handler, by_chat["8"].queue) == (Conversation.Handler.QUEUE, queue)
    assert by_chat["9"].handler == Conversation.Handler.BOT
    assert (sim.telegram.answers(8), sim.telegram.answers(9)) == ([], ["You said: hello"])


def test_closed_conversation_opens_again_as_the_channel_routes(telegram: Channel, sim: Simulator) -> None:
    said(sim, "one")
    way.all_the_way(telegram)
    Conversation.objects.update(state=Conversation.State.CLOSED, handler=Conversation.Handler.HUMAN)
    said(sim, "two")
    way.all_the_way(telegram)
    assert Conversation.objects.get().state == Conversation.State.OPEN
    assert len(sim.telegram.answers(ANA)) == 2


def test_deferred_work_counts_no_crashes(telegram: Channel) -> None:
    turn = Turn(attempts=4, deferrals=3)
    assert turn.crashes == 0


def test_pressed_button_is_answered_and_its_data_is_a_message(telegram: Channel, sim: Simulator) -> None:
    said(sim, "hi")
    way.all_the_way(telegram)
    answer = next(message for message in sim.telegram.view(ANA) if message.from_bot)
    sim.telegram.press(ANA, answer.message_id, "yes please")
    way.all_the_way(telegram)
    assert [call.outcome for call in sim.telegram.calls("answerCallbackQuery")] == ["ok"]
    assert sim.telegram.answers(ANA)[-1] == "You said: yes please"


@pytest.mark.parametrize("kind", ["voice", "photo", "sticker", "location", "contact", "document"])
def test_whatever_a_person_sends_gets_an_answer(telegram: Channel, sim: Simulator, kind: str) -> None:
    send = getattr(sim.telegram, kind)
    send(ANA, "a.txt") if kind == "document" else send(ANA)
    way.all_the_way(telegram)
    assert len(sim.telegram.answers(ANA)) == 1
    assert Message.objects.filter(author="contact").get().content == kind


def test_worker_that_stops_gives_its_turn_back_at_once(telegram: Channel, sim: Simulator) -> None:
    said(sim, "slow")
    way.fetch(telegram)
    way.dispatch()
    turn = turns.claim(Turn.objects.get().pk)
    assert turn is not None
    with holding.holding(turn):
        holding.give_back()
        returned = Turn.objects.get()
        assert (returned.state, returned.crashes) == (Turn.State.PARKED, -1)
        assert returned.due_at is not None
        assert returned.due_at <= timezone.now()
    way.hurry()
    way.answer()
    assert sim.telegram.answers(ANA) == ["You said: slow"]


def test_crashes_count_only_in_a_row(telegram: Channel, sim: Simulator) -> None:
    said(sim, "long outage")
    way.fetch(telegram)
    way.dispatch()
    pk = Turn.objects.get().pk
    sim.models.fail(status=529)
    for _ in range(4):
        assert turns.claim(pk) is not None  # a worker dies in the call
        way.hurry()
        turns.take(pk)  # the next one parks in order
        way.hurry()
    sim.models.heal()
    way.answer()
    assert sim.telegram.answers(ANA)[-1] == "You said: long outage"
    assert DeadLetter.objects.count() == 0


def test_innocent_update_is_not_quarantined_for_one_before_it(
    telegram: Channel, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    said(sim, "poison", "innocent")
    way.fetch(telegram)
    original = rows.message

    def failing(arrival: rows.Arrival, turn: Turn | None) -> Message:
        if arrival.incoming.text == "poison":
            raise ValueError("a fault of ours")
        return original(arrival, turn)

    monkeypatch.setattr(rows, "message", failing)
    dispatching.dispatch([Update.objects.order_by("pk").values_list("pk", flat=True)[1]])
    states = list(Update.objects.order_by("pk").values_list("state", flat=True))
    assert states == [Update.State.QUARANTINED, Update.State.DISPATCHED]
    assert Message.objects.get().text == "innocent"
    assert Alert.objects.filter(name="updates.quarantined", resolved_at=None).count() == 1


def test_update_that_failed_by_our_own_fault_is_tried_again_after_a_start(
    telegram: Channel, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    said(sim, "hello")
    way.fetch(telegram)
    accept(telegram, b"what nobody can read")
    with monkeypatch.context() as broken:
        broken.setattr(rows, "message", lambda *_: 1 / 0)
        way.dispatch()
    assert Update.objects.filter(state=Update.State.QUARANTINED).count() == 2
    assert sweep.try_again() == 1
    way.dispatch()
    way.answer()
    assert sim.telegram.answers(ANA) == ["You said: hello"]
    assert Update.objects.get(state=Update.State.QUARANTINED).raw == b"what nobody can read"


def test_fact_that_nobody_was_told_is_told_by_the_relay(telegram: Channel, sim: Simulator) -> None:
    said(sim, "hi")
    way.fetch(telegram)
    dispatching.dispatch(list(Update.objects.values_list("pk", flat=True)), told=False)
    untold = Event.objects.filter(published_at=None).values_list("type", flat=True)
    assert set(untold) == {"inbox.message.received", "routing.handoff.requested"}


def test_call_for_a_person_where_there_is_none_says_so(telegram: Channel, sim: Simulator) -> None:
    said(sim, "/human")
    way.all_the_way(telegram)
    assert sim.telegram.answers(ANA) == [phrase("nobody", "pt")]
    assert Conversation.objects.get().handler == Conversation.Handler.BOT
