"""Who answers a conversation, and what in it is answered: by the bot, by people, or by nobody."""

import pytest

from bench.simulator import Simulator
from khronos.conversation.phrases import phrase
from khronos.models import Channel, Contact, Conversation, Delivery, Event, Message, Turn
from tests.factories import make_queue
from tests.integration import way

pytestmark = pytest.mark.usefixtures("bus")


def test_human_command_hands_off_and_the_bot_is_silent(telegram: Channel, sim: Simulator) -> None:
    queue = make_queue(tenant=telegram.tenant)
    way.say(sim, "/human")
    way.all_the_way(telegram)
    way.say(sim, "hello?")
    way.all_the_way(telegram)
    conversation = Conversation.objects.get()
    assert (conversation.handler, conversation.queue) == (Conversation.Handler.QUEUE, queue)
    assert sim.telegram.answers(way.ANA) == [phrase("human", "pt")]
    assert sim.models.calls() == []
    targets = [event.payload["target"] for event in Event.objects.filter(type="routing.handoff.requested")]
    assert targets.count(f"agent.queue.{queue.pk}") == 2


def test_blocked_contact_is_marked_and_heard_again(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "hi")
    sim.telegram.block(way.ANA)
    way.all_the_way(telegram)
    assert Contact.objects.get().is_blocked
    assert Delivery.objects.get().state == Delivery.State.FAILED
    sim.telegram.unblock(way.ANA)
    way.say(sim, "I am back")
    way.all_the_way(telegram)
    assert not Contact.objects.get().is_blocked
    assert sim.telegram.answers(way.ANA) == ["You said: I am back"]


def test_group_is_answered_only_when_addressed(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.say(-100, "lunch?", sender=way.ANA)
    sim.telegram.say(-100, "@khronos_bot what do you say?", sender=way.ANA)
    way.all_the_way(telegram)
    assert len(sim.telegram.answers(-100)) == 1
    assert Turn.objects.count() == 1
    assert Message.objects.filter(turn=None).count() == 1


def test_triage_sends_to_a_queue_by_its_words_and_all_else_to_the_bot(
    telegram: Channel, sim: Simulator
) -> None:
    Channel.objects.update(routing=Channel.Routing.TRIAGE)
    queue = make_queue(tenant=telegram.tenant, keywords=["invoice"])
    way.say(sim, "my invoice is wrong", chat=8)
    way.say(sim, "hello", chat=9)
    way.all_the_way(telegram)
    by_chat = {row.chat_id: row for row in Conversation.objects.all()}
    assert (by_chat["8"].handler, by_chat["8"].queue) == (Conversation.Handler.QUEUE, queue)
    assert by_chat["9"].handler == Conversation.Handler.BOT
    assert sim.telegram.answers(8) == [phrase("human", "en")]
    assert sim.telegram.answers(9) == ["You said: hello"]


def test_who_writes_to_a_channel_of_people_waits_from_then_on(telegram: Channel, sim: Simulator) -> None:
    Channel.objects.update(routing=Channel.Routing.QUEUE, queue=make_queue(tenant=telegram.tenant))
    way.say(sim, "one")
    way.all_the_way(telegram)
    began = Conversation.objects.get().handed_at
    assert began is not None
    way.say(sim, "still here")
    way.all_the_way(telegram)
    assert Conversation.objects.get().handed_at == began
    Conversation.objects.update(state=Conversation.State.CLOSED, handed_at=None)
    way.say(sim, "once more")
    way.all_the_way(telegram)
    again = Conversation.objects.get().handed_at
    assert again is not None
    assert again > began
    assert sim.telegram.answers(way.ANA) == []


def test_closed_conversation_opens_again_as_the_channel_routes(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "one")
    way.all_the_way(telegram)
    Conversation.objects.update(state=Conversation.State.CLOSED, handler=Conversation.Handler.HUMAN)
    way.say(sim, "two")
    way.all_the_way(telegram)
    assert Conversation.objects.get().state == Conversation.State.OPEN
    assert len(sim.telegram.answers(way.ANA)) == 2


def test_pressed_button_is_answered_and_its_data_is_a_message(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "hi")
    way.all_the_way(telegram)
    answer = next(message for message in sim.telegram.view(way.ANA) if message.from_bot)
    sim.telegram.press(way.ANA, answer.message_id, "yes please")
    way.all_the_way(telegram)
    assert [call.outcome for call in sim.telegram.calls("answerCallbackQuery")] == ["ok"]
    assert sim.telegram.answers(way.ANA)[-1] == "You said: yes please"


@pytest.mark.parametrize("kind", ["voice", "photo", "sticker", "location", "contact", "document"])
def test_whatever_a_person_sends_gets_an_answer(telegram: Channel, sim: Simulator, kind: str) -> None:
    send = getattr(sim.telegram, kind)
    send(way.ANA, "a.txt") if kind == "document" else send(way.ANA)
    way.all_the_way(telegram)
    assert len(sim.telegram.answers(way.ANA)) == 1
    assert Message.objects.filter(author="contact").get().content == kind


def test_call_for_a_person_where_there_is_none_says_so(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "/human")
    way.all_the_way(telegram)
    assert sim.telegram.answers(way.ANA) == [phrase("nobody", "pt")]
    assert Conversation.objects.get().handler == Conversation.Handler.BOT
