"""A command's deed is done with the commit of its answer: once, however often its turn is tried."""

import pytest
import redis

from bench.simulator import Simulator
from khronos.conversation import answer, handoff
from khronos.conversation import turn as turns
from khronos.conversation.phrases import phrase
from khronos.conversation.replies import replies_to
from khronos.exceptions import LostLease
from khronos.models import Channel, Conversation, Event, Queue, Turn
from tests.factories import make_queue
from tests.integration import way
from tests.integration.test_absent_database import away

pytestmark = pytest.mark.django_db(transaction=True)
ANA = 7


@pytest.fixture
def support(telegram: Channel, bus: "redis.Redis") -> Queue:
    return make_queue(tenant=telegram.tenant, slug="support", is_default=True)


def said(sim: Simulator, telegram: Channel, *texts: str) -> Turn:
    for text in texts:
        sim.telegram.say(ANA, text)
    way.fetch(telegram)
    way.dispatch()
    return Turn.objects.get(state=Turn.State.WAITING)


def handoffs() -> int:
    return Event.objects.filter(type=Event.Type.HANDOFF_REQUESTED, payload__by="contact").count()


def handler() -> str:
    return Conversation.objects.get().handler


def test_call_for_a_person_is_heard_once_though_its_turn_was_cut_off(
    support: Queue, telegram: Channel, sim: Simulator
) -> None:
    turn = said(sim, telegram, "/human")
    with away('INSERT INTO "khronos_delivery"', times=2):
        turns.take(turn.pk)
    assert handoffs() == 1
    assert handler() == Conversation.Handler.QUEUE
    assert sim.telegram.answers(ANA) == [phrase("human", "pt")]


def test_turn_that_was_taken_away_calls_nobody(support: Queue, telegram: Channel, sim: Simulator) -> None:
    taken = turns.claim(said(sim, telegram, "/human").pk)
    assert taken is not None
    replies = replies_to(taken, list(taken.messages.all()))
    handoff.close(Conversation.objects.get(), by="ben")
    with pytest.raises(LostLease):
        answer.store(taken, replies, even_if_amended=False)
    assert (handoffs(), handler()) == (0, Conversation.Handler.BOT)


def test_operator_who_gave_a_conversation_back_does_not_get_it_again(
    support: Queue, telegram: Channel, sim: Simulator
) -> None:
    turn = said(sim, telegram, "/human")
    taken = turns.claim(turn.pk)
    assert taken is not None
    replies = replies_to(taken, list(taken.messages.all()))
    assert handler() == Conversation.Handler.BOT
    answer.store(taken, replies, even_if_amended=False)
    assert handler() == Conversation.Handler.QUEUE
    handoff.release(Conversation.objects.get(), by="ben")
    way.hurry()
    turns.take(turn.pk)
    assert (handoffs(), handler()) == (1, Conversation.Handler.BOT)


def test_history_is_put_aside_with_the_answer_and_not_before(
    support: Queue, telegram: Channel, sim: Simulator
) -> None:
    said(sim, telegram, "my name is Ana")
    way.answer()
    turn = said(sim, telegram, "/reset", "who am I?")
    sim.models.fail(status=529)
    turns.take(turn.pk)
    assert Conversation.objects.get().remembers_from == 0
    sim.models.heal()
    way.hurry()
    way.answer()
    assert [call.messages for call in sim.models.calls()] == [1, 1, 1]
    assert Conversation.objects.get().remembers_from == turn.messages.order_by("pk")[0].pk + 1
    assert sim.telegram.answers(ANA)[-2:] == [phrase("reset", "en"), "You said: who am I?"]
