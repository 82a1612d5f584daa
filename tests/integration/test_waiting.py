"""While people have a conversation: the bot's own commands are answered, and there is a way back to it."""

from datetime import timedelta

import pytest
import redis
from django.db.models import F
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.conversation import answer, by_people, handoff
from khronos.conversation import turn as turns
from khronos.conversation.phrases import PHRASES
from khronos.conversation.replies import replies_to
from khronos.exceptions import LostLease
from khronos.models import Channel, Contact, ContactFact, Conversation, Event, Message, Queue, Turn
from tests.factories import make_queue, make_user
from tests.integration import way
from tests.integration.test_absent_database import away

pytestmark = pytest.mark.django_db(transaction=True)
Handler, Author = Conversation.Handler, Message.Author
BACK = {"text": PHRASES["back"]["en"], "callback_data": "/assistant"}


@pytest.fixture
def support(telegram: Channel, bus: "redis.Redis") -> Queue:
    return make_queue(tenant=telegram.tenant, slug="support", is_default=True)


@pytest.fixture
def ana(support: Queue, telegram: Channel, sim: Simulator) -> None:
    """She waits for a person, and writes English."""
    say(telegram, sim, "Could somebody please look at my order?", "/human")
    assert len(sim.models.calls()) == 1


def say(telegram: Channel, sim: Simulator, *texts: str) -> list[str]:
    """What is answered to it."""
    before = len(sim.telegram.answers(way.ANA))
    for text in texts:
        way.say(sim, text)
        way.all_the_way(telegram)
    return sim.telegram.answers(way.ANA)[before:]


def talk() -> Conversation:
    return Conversation.objects.get()


def en(name: str) -> str:
    return PHRASES[name]["en"]


def given_back() -> int:
    target = {"payload__by": "contact", "payload__target": "agent.ai"}
    return Event.objects.filter(type=Event.Type.HANDOFF_REQUESTED, **target).count()


def by_khronos() -> list[str]:
    rows = Message.objects.filter(author=Author.SYSTEM).order_by("pk")
    return list(rows.values_list("text", flat=True))


@pytest.mark.usefixtures("ana")
def test_what_concerns_the_bot_is_answered_while_one_waits(telegram: Channel, sim: Simulator) -> None:
    ContactFact.objects.create(contact=Contact.objects.get(), text="The name is Ana")
    help_, reset, privacy, erased, human = say(
        telegram, sim, "/help", "/reset", "/privacy", "/forget all", "/human"
    )
    assert help_.startswith(en("in_line"))
    assert "/assistant" in help_
    assert reset == f"{en('in_line')} {en('not_put_aside')}"
    assert "The name is Ana" in privacy
    assert erased.startswith("Done. I have forgotten")
    assert human == en("in_line")
    assert not ContactFact.objects.exists()
    assert (talk().handler, talk().remembers_from) == (Handler.QUEUE, 0)
    assert len(sim.models.calls()) == 1
    assert not Turn.objects.unsettled().exists()


@pytest.mark.usefixtures("ana")
def test_what_is_no_command_of_ours_is_left_to_people(telegram: Channel, sim: Simulator) -> None:
    assert say(telegram, sim, "/etc/hosts is broken", "hello?", "help") == []
    assert by_people.take_next(make_user()) == talk()
    assert say(telegram, sim, "are you there?", "/unknown") == []
    help_, reset = say(telegram, sim, "/help", "/reset")
    assert help_.startswith(en("with_person"))
    assert reset.startswith(en("with_person"))
    assert talk().handler == Handler.HUMAN
    assert Message.objects.filter(author=Author.CONTACT, turn=None).count() == 5
    assert len(sim.models.calls()) == 1


@pytest.mark.usefixtures("ana")
@pytest.mark.parametrize("command", ["/assistant", "/assistente"])
@pytest.mark.parametrize("is_claimed", [False, True])
def test_the_way_back_answers_once_what_nobody_answered(
    telegram: Channel, sim: Simulator, command: str, is_claimed: bool
) -> None:
    if is_claimed:
        assert by_people.take_next(make_user()) == talk()
    assert say(telegram, sim, "when do you open?", "/help", "and on Sunday?")[1:] == []
    assert say(telegram, sim, command) == [
        en("assistant"),
        "You said: when do you open?\nand on Sunday?",
    ]
    assert (talk().handler, talk().queue, talk().operator) == (Handler.BOT, None, None)
    assert say(telegram, sim, "thanks", command) == ["You said: thanks", en("assistant_here")]
    assert (given_back(), len(sim.models.calls())) == (1, 3)


@pytest.mark.usefixtures("ana")
def test_the_button_under_the_notice_is_the_way_back(telegram: Channel, sim: Simulator) -> None:
    notice = sim.telegram.view(way.ANA)[-1]
    assert notice.raw["reply_markup"] == {"inline_keyboard": [[BACK]]}
    for _ in range(2):
        sim.telegram.press(way.ANA, notice.message_id, BACK["callback_data"])
        way.all_the_way(telegram)
    assert sim.telegram.answers(way.ANA)[-2:] == [en("assistant"), en("assistant_here")]
    assert given_back() == 1
    assert len(sim.models.calls()) == 1


@pytest.mark.usefixtures("ana")
def test_a_question_that_a_person_answered_is_not_answered_again(telegram: Channel, sim: Simulator) -> None:
    rita = make_user()
    say(telegram, sim, "when do you open?")
    assert by_people.take_next(rita) == talk()
    assert by_people.say(talk(), rita, "At nine.", "one")
    way.answer()
    assert say(telegram, sim, "/assistant") == [en("assistant")]
    assert not by_people.say(talk(), rita, "And until six.", "two")
    assert len(sim.models.calls()) == 1
    assert sim.telegram.answers(way.ANA)[-2:] == ["At nine.", en("assistant")]


@pytest.mark.usefixtures("ana")
def test_a_notice_said_to_one_who_waits_leaves_the_question_open(telegram: Channel, sim: Simulator) -> None:
    say(telegram, sim, "when do you open?", "/privacy", "/assistant")
    rita = make_user()
    assert say(telegram, sim, "/human") == [en("human")]
    assert by_people.take_next(rita) == talk()
    assert len(sim.models.calls()) == 2
    say(telegram, sim, "one more thing", "/help")
    handoff.release(talk(), by="rita")
    way.answer()
    assert sim.telegram.answers(way.ANA)[-1] == "You said: one more thing"


@pytest.mark.usefixtures("ana")
def test_the_way_back_is_gone_once_though_its_turn_was_cut_off(telegram: Channel, sim: Simulator) -> None:
    say(telegram, sim, "when do you open?")
    way.say(sim, "/assistant")
    way.fetch(telegram)
    way.dispatch()
    with away('INSERT INTO "khronos_delivery"', times=2):
        turns.take(Turn.objects.get(state=Turn.State.WAITING).pk)
    way.answer()
    assert sim.telegram.answers(way.ANA)[-2:] == [en("assistant"), "You said: when do you open?"]
    assert (given_back(), len(sim.models.calls())) == (1, 2)


@pytest.mark.usefixtures("ana")
def test_a_command_outlives_the_claim_that_silences_its_turn(telegram: Channel, sim: Simulator) -> None:
    assert handoff.release(talk(), by="rita")
    way.say(sim, "when do you open?", "/help")
    way.fetch(telegram)
    way.dispatch()
    taken = turns.claim(Turn.objects.get(state=Turn.State.WAITING).pk)
    assert taken is not None
    assert handoff.claim(talk(), make_user())
    with pytest.raises(LostLease):
        taken.settle(Turn.State.ANSWERED)
    way.answer()
    assert sim.telegram.answers(way.ANA)[-1].startswith(en("with_person"))
    assert len(sim.models.calls()) == 1
    assert handoff.release(talk(), by="rita")
    way.answer()
    assert sim.telegram.answers(way.ANA)[-1] == "You said: when do you open?"


@pytest.mark.usefixtures("ana")
def test_the_way_back_holds_whoever_passes_the_conversation_on(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "/assistant")
    way.fetch(telegram)
    way.dispatch()
    turn = turns.claim(Turn.objects.get(state=Turn.State.WAITING).pk)
    assert turn is not None
    assert handoff.hand_off(talk(), make_queue(tenant=telegram.tenant), by="rita")
    turns.see_through(turn)
    assert (talk().handler, given_back()) == (Handler.BOT, 1)
    assert sim.telegram.answers(way.ANA)[-1] == en("assistant")


def test_where_only_people_answer_there_is_no_way_back(
    support: Queue, telegram: Channel, sim: Simulator
) -> None:
    Channel.objects.update(routing=Channel.Routing.QUEUE, queue=support)
    said = say(telegram, sim, "Could somebody please help me?", "/assistant", "/help")
    assert [each.splitlines()[0] for each in said] == [
        PHRASES["people_only"]["pt"],
        PHRASES["in_line"]["pt"],
    ]
    assert "/assistant" not in said[1]
    assert (talk().handler, given_back()) == (Handler.QUEUE, 0)


def minutes_pass(minutes: float) -> None:
    ago = timedelta(minutes=minutes)
    Conversation.objects.update(handed_at=F("handed_at") - ago, waiting_told_at=F("waiting_told_at") - ago)


REMINDER = f"{en('waits')} {en('waits_or')}"


@pytest.mark.usefixtures("ana")
def test_who_waits_long_and_writes_is_told_so_once_in_each_period(telegram: Channel, sim: Simulator) -> None:
    minutes_pass(9.5)
    assert say(telegram, sim, "hello?") == []
    minutes_pass(0.6)
    assert say(telegram, sim, "hello??", "still here", "anybody?") == [REMINDER]
    assert sim.telegram.view(way.ANA)[-3].raw["reply_markup"] == {"inline_keyboard": [[BACK]]}
    minutes_pass(9.5)
    assert say(telegram, sim, "well?") == []
    minutes_pass(0.6)
    assert say(telegram, sim, "so?") == [REMINDER]
    way.answer()
    assert by_khronos() == [REMINDER, REMINDER]
    assert Message.objects.filter(author=Author.CONTACT, turn=None).count() == 6
    answers = say(telegram, sim, "/assistant")
    assert answers[1] == "You said: hello?\nhello??\nstill here\nanybody?\nwell?\nso?"


@pytest.mark.usefixtures("ana")
def test_nobody_is_told_to_wait_whom_a_person_has_taken(telegram: Channel, sim: Simulator) -> None:
    minutes_pass(30)
    way.say(sim, "hello?")
    way.fetch(telegram)
    way.dispatch()
    assert Turn.objects.due().count() == 1
    assert by_people.take_next(make_user()) == talk()
    way.answer()
    minutes_pass(30)
    assert say(telegram, sim, "hello??") == []
    assert by_khronos() == []
    assert not Turn.objects.unsettled().exists()


@pytest.mark.usefixtures("ana")
def test_the_wait_is_told_once_though_its_turn_was_cut_off(telegram: Channel, sim: Simulator) -> None:
    minutes_pass(30)
    way.say(sim, "hello?", "hello??")
    way.fetch(telegram)
    way.dispatch()
    with away('INSERT INTO "khronos_delivery"', times=2):
        turns.take(Turn.objects.get(state=Turn.State.WAITING).pk)
    assert say(telegram, sim, "hello???") == []
    way.answer()
    assert by_khronos() == [REMINDER]
    assert sim.telegram.answers(way.ANA).count(REMINDER) == 1


@pytest.mark.usefixtures("ana")
def test_the_wait_that_ended_meanwhile_is_not_told(telegram: Channel, sim: Simulator) -> None:
    minutes_pass(30)
    way.say(sim, "hello?")
    way.fetch(telegram)
    way.dispatch()
    turn = turns.claim(Turn.objects.get(state=Turn.State.WAITING).pk)
    assert turn is not None
    replies = replies_to(turn, [])
    assert [reply.text for reply in replies] == [REMINDER]
    assert handoff.release(talk(), by="rita")
    answer.store(turn, replies, even_if_amended=False)
    way.answer()
    assert by_khronos() == []
    assert sim.telegram.answers(way.ANA)[-1] == "You said: hello?"


@pytest.mark.usefixtures("ana")
def test_a_period_of_zero_tells_nobody(telegram: Channel, sim: Simulator, settings: Settings) -> None:
    settings.WAITING_TOLD_EVERY = timedelta(0)
    minutes_pass(600)
    assert say(telegram, sim, "hello?") == []
    assert Turn.objects.count() == 2


@pytest.mark.usefixtures("support")
def test_a_person_is_called_at_once_though_a_question_waits_for_its_model(
    telegram: Channel, sim: Simulator
) -> None:
    sim.models.fail(status=529)
    assert say(telegram, sim, "My parcel is lost", "Hello?") == [en("wait")]
    assert say(telegram, sim, "/human") == [en("in_line")]
    assert talk().handler == Handler.QUEUE
    assert not Turn.objects.unsettled().exists()
    called = Event.objects.filter(type=Event.Type.HANDOFF_REQUESTED, payload__by="contact")
    assert called.count() == 1
    sim.models.heal()
    calls = len(sim.models.calls())
    assert say(telegram, sim, "Is anybody there?") == []
    assert len(sim.models.calls()) == calls
    back, answered = say(telegram, sim, "/assistant")
    assert back.startswith(en("assistant"))
    assert all(words in answered for words in ("My parcel is lost", "Hello?", "Is anybody there?"))
