"""Who answers a conversation: handed off, claimed, released, closed; whoever was quicker is not undone."""

import pytest

from khronos.conversation import handoff
from khronos.exceptions import LostLease
from khronos.models import Conversation, Event, Message, Turn
from tests import factories as make

pytestmark = pytest.mark.django_db
Handler, State = Conversation.Handler, Conversation.State


def fresh(conversation: Conversation) -> Conversation:
    return Conversation.objects.get(pk=conversation.pk)


def facts(conversation: Conversation) -> list[tuple[str, object]]:
    told = Event.objects.filter(conversation_id=conversation.pk).order_by("pk")
    return [(event.type, event.payload.get("target", event.payload.get("by"))) for event in told]


def routed(message: Message) -> None:
    """What the dispatcher tells of a message that was said to us."""
    make.make_event(
        type=Event.Type.HANDOFF_REQUESTED,
        conversation=message.conversation,
        idempotency_key=f"handoff:{message.update_id}",
    )


def test_a_handoff_silences_the_bot_and_is_told_once() -> None:
    talk, queue = make.make_conversation(), make.make_queue()
    waiting = make.make_turn(conversation=talk)
    assert handoff.hand_off(talk, queue, by="contact", trace_id="t1")
    assert not handoff.hand_off(fresh(talk), queue, by="contact")
    now = fresh(talk)
    assert (now.handler, now.queue, now.operator) == (Handler.QUEUE, queue, None)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.due_at) == (Turn.State.SILENT, None)
    assert facts(talk) == [("routing.handoff.requested", f"agent.queue.{queue.pk}")]
    assert Event.objects.get().trace_id == "t1"


def test_a_turn_that_asks_for_a_person_may_finish_its_word() -> None:
    talk = make.make_conversation()
    asking = make.make_turn(conversation=talk, state=Turn.State.WORKING)
    handoff.hand_off(talk, make.make_queue(), by="contact")
    asking.settle(Turn.State.ANSWERED)
    asking.refresh_from_db()
    assert asking.state == Turn.State.ANSWERED


def test_a_handoff_does_not_undo_an_operator_who_was_quicker() -> None:
    talk, rita = make.make_conversation(), make.make_user()
    seen_by_the_agent = fresh(talk)
    assert handoff.claim(talk, rita)
    assert not handoff.hand_off(seen_by_the_agent, make.make_queue(), by="assistant")
    assert fresh(talk).operator == rita


def test_one_operator_claims_and_the_bot_loses_its_turn() -> None:
    talk = make.make_conversation()
    rita, olga = make.make_user(), make.make_user()
    thinking = make.make_turn(conversation=talk, state=Turn.State.WORKING)
    same_page = fresh(talk)
    assert handoff.claim(talk, rita)
    assert not handoff.claim(same_page, olga)
    assert not handoff.claim(fresh(talk), olga)
    with pytest.raises(LostLease):
        thinking.settle(Turn.State.ANSWERED)
    assert (fresh(talk).handler, fresh(talk).operator) == (Handler.HUMAN, rita)
    assert facts(talk) == [("conversation.handoff.accepted", rita.username)]


def test_the_bot_answers_what_people_left_unanswered() -> None:
    talk = make.make_conversation()
    parked = make.make_turn(conversation=talk, state=Turn.State.PARKED)
    first = make.make_message(conversation=talk, turn=parked, text="before the handoff")
    handoff.hand_off(talk, make.make_queue(), by="contact")
    update = make.make_update(channel=talk.channel)
    second = make.make_message(conversation=talk, update=update, text="while it waited")
    routed(second)
    assert handoff.release(talk, by="rita")
    turn = Turn.objects.get(conversation=talk, state=Turn.State.WAITING)
    assert list(turn.messages.order_by("pk")) == [first, second]
    assert turn.trace_id == update.trace_id
    assert turn in Turn.objects.due()
    assert facts(talk)[-1] == ("routing.handoff.requested", "agent.ai")


def test_the_bot_leaves_alone_what_was_answered_or_not_said_to_it() -> None:
    talk = make.make_conversation(chat_type="group")
    asked = make.make_message(conversation=talk, update=make.make_update(channel=talk.channel))
    routed(asked)
    handoff.claim(talk, make.make_user())
    make.make_message(conversation=talk, author=Message.Author.OPERATOR, text="answered by hand")
    make.make_message(conversation=talk, update=make.make_update(channel=talk.channel), text="people's talk")
    assert handoff.release(talk, by="rita")
    assert fresh(talk).handler == Handler.BOT
    assert not Turn.objects.exists()


def test_what_is_released_joins_the_turn_that_collects() -> None:
    talk = make.make_conversation()
    hushed = make.make_turn(conversation=talk, state=Turn.State.SILENT, reason=handoff.HANDED)
    said = make.make_message(conversation=talk, turn=hushed)
    Conversation.objects.filter(pk=talk.pk).update(handler=Handler.HUMAN)
    waiting = make.make_turn(conversation=talk)
    assert handoff.release(fresh(talk), by="rita")
    said.refresh_from_db()
    assert said.turn == waiting


def test_reset_is_remembered_over_a_handoff() -> None:
    talk = make.make_conversation()
    hushed = make.make_turn(conversation=talk, state=Turn.State.SILENT, reason=handoff.HANDED)
    said = make.make_message(conversation=talk, turn=hushed)
    Conversation.objects.filter(pk=talk.pk).update(handler=Handler.HUMAN, remembers_from=said.pk + 1)
    handoff.release(fresh(talk), by="rita")
    assert not Turn.objects.filter(state=Turn.State.WAITING).exists()


def test_closing_ends_all_work_once() -> None:
    queue = make.make_queue()
    channel = make.make_channel(routing="queue", queue=queue)
    talk = make.make_conversation(channel=channel, handler=Handler.HUMAN, operator=make.make_user())
    make.make_turn(conversation=talk)
    make.make_turn(conversation=talk, state=Turn.State.WORKING)
    assert handoff.close(talk, by="rita")
    assert not handoff.close(fresh(talk), by="rita")
    now = fresh(talk)
    assert (now.state, now.handler, now.queue, now.operator) == (State.CLOSED, Handler.QUEUE, queue, None)
    assert not Turn.objects.unsettled().exists()
    assert facts(talk) == [("conversation.closed", "rita")]


def test_a_closed_conversation_is_opened_by_whoever_takes_it() -> None:
    talk = make.make_conversation(state=State.CLOSED)
    assert handoff.claim(talk, make.make_user())
    assert fresh(talk).state == State.OPEN
