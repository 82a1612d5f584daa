"""What becomes of an answer on its way out."""

import pytest
from django.conf import settings
from django.db import OperationalError

from bench.simulator import Simulator
from khronos.conversation import turn as turns
from khronos.delivery import send
from khronos.delivery.settling import settle_sent
from khronos.models import Alert, Channel, Contact, Conversation, Delivery, Event, Turn
from tests.integration import way

pytestmark = pytest.mark.usefixtures("bus")
ANA = 7


@pytest.fixture
def editing(telegram: Channel) -> Channel:
    Channel.objects.update(delivery_mode=Channel.DeliveryMode.EDIT)
    telegram.refresh_from_db()
    return telegram


def ask(sim: Simulator, channel: Channel, text: str = "hi") -> None:
    sim.telegram.say(ANA, text)
    way.all_the_way(channel)


def sends(sim: Simulator) -> int:
    return len(sim.telegram.calls("sendMessage"))


def test_pause_that_telegram_asks_for_is_kept(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.fail(status=429, method="sendMessage", retry_after=30, count=1)
    ask(sim, telegram)
    delivery = Delivery.objects.get()
    assert delivery.state == Delivery.State.PENDING
    assert delivery.due_at is not None
    assert 25 < (delivery.due_at - delivery.created_at).total_seconds() < 35
    way.hurry()
    way.answer()
    assert sim.telegram.answers(ANA) == ["You said: hi"]
    assert not Delivery.objects.get().doubtful


def test_lost_answer_of_a_send_is_repeated_once_and_marked(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.fail("lost", method="sendMessage")
    ask(sim, telegram)
    assert Delivery.objects.get().doubtful
    way.hurry()
    way.answer()
    delivery = Delivery.objects.get()
    assert (delivery.state, sends(sim)) == (Delivery.State.FAILED, 2)
    assert "twice uncertain" in delivery.reason


def test_lost_answer_of_an_edit_shows_nothing_twice(editing: Channel, sim: Simulator) -> None:
    sim.telegram.fail("lost", method="editMessageText", count=2)
    ask(sim, editing)
    for _ in range(2):
        way.hurry()
        way.answer()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.doubtful) == (Delivery.State.SENT, False)
    assert sim.telegram.answers(ANA) == ["You said: hi"]
    assert sends(sim) == 1


def test_worker_that_died_while_sending_leaves_one_marked_repeat(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.say(ANA, "hi")
    way.fetch(telegram)
    way.dispatch()
    turn = turns.claim(Turn.objects.get().pk)
    assert turn is not None
    turns.work_on(turn)  # and the worker dies before it sends
    way.hurry()
    way.answer()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.doubtful, delivery.attempts) == (Delivery.State.SENT, True, 2)
    assert sim.telegram.answers(ANA) == ["You said: hi"]


def test_worker_that_dies_twice_while_sending_is_not_repeated_for_ever(
    telegram: Channel, sim: Simulator
) -> None:
    sim.telegram.say(ANA, "hi")
    way.fetch(telegram)
    way.dispatch()
    turn = turns.claim(Turn.objects.get().pk)
    assert turn is not None
    [delivery] = turns.work_on(turn)
    way.hurry()
    claimed = Delivery.objects.claim(delivery.pk, settings.DELIVERY_LEASE)
    assert claimed is not None
    send.in_doubt(claimed)  # and dies again
    way.hurry()
    way.answer()
    assert Delivery.objects.get().state == Delivery.State.FAILED
    assert sends(sim) == 0


def test_long_answer_goes_out_in_parts_and_in_order(telegram: Channel, sim: Simulator) -> None:
    paragraphs = [f"{number}: " + "word " * 300 for number in range(8)]
    sim.models.reply("\n\n".join(paragraphs))
    ask(sim, telegram)
    shown = sim.telegram.answers(ANA)
    assert len(shown) == Delivery.objects.count() > 1
    assert all(len(text) <= 4096 for text in shown)
    starts = [text[0] for text in shown]
    assert starts == sorted(starts)
    assert Delivery.objects.exclude(state=Delivery.State.SENT).count() == 0


def test_part_that_waits_holds_back_those_behind_it(telegram: Channel, sim: Simulator) -> None:
    sim.models.reply("\n\n".join("x" * 3000 for _ in range(3)))
    sim.telegram.fail(status=429, method="sendMessage", retry_after=60, count=1)
    ask(sim, telegram)
    assert sim.telegram.answers(ANA) == []
    sim.telegram.say(ANA, "and now?")
    way.fetch(telegram)
    way.dispatch()
    turns.take(Turn.objects.get(state=Turn.State.WAITING).pk)
    assert sim.telegram.answers(ANA) == []  # the next answer waits for the one before it
    way.hurry()
    way.answer()
    assert [text[:3] for text in sim.telegram.answers(ANA)] == ["xxx", "xxx", "xxx", "You"]


def test_markup_that_telegram_refuses_is_sent_plain(telegram: Channel, sim: Simulator) -> None:
    sim.models.reply("**bold** words")
    sim.telegram.fail(
        status=400, method="sendMessage", description="Bad Request: can't parse entities", count=1
    )
    ask(sim, telegram)
    assert sim.telegram.answers(ANA) == ["**bold** words"]


def test_chat_that_moved_is_followed(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.say(-50, "@khronos_bot hi", sender=ANA)
    way.fetch(telegram)
    way.dispatch()
    sim.telegram.migrate(-50, -1000050)
    way.answer()
    assert sim.telegram.answers(-1000050) == ["You said: @khronos_bot hi"]
    assert Conversation.objects.get(title__gt="", chat_id="-1000050") is not None


def test_refused_message_ends_in_failed_with_the_reason(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.fail(status=400, method="sendMessage", description="Bad Request: chat not found")
    ask(sim, telegram)
    delivery = Delivery.objects.get()
    assert delivery.state == Delivery.State.FAILED
    assert "chat not found" in delivery.reason
    assert Event.objects.filter(type="outbox.message.failed").count() == 1


def test_edit_mode_fills_a_placeholder(editing: Channel, sim: Simulator) -> None:
    ask(sim, editing)
    assert [call.method for call in sim.telegram.calls(chat_id=ANA)] == ["sendMessage", "editMessageText"]
    assert sim.telegram.answers(ANA) == ["You said: hi"]


def test_placeholder_that_the_person_deleted_is_made_anew(editing: Channel, sim: Simulator) -> None:
    sim.telegram.fail(
        status=400, method="editMessageText", description="Bad Request: message to edit not found", count=1
    )
    ask(sim, editing)
    way.hurry()
    way.answer()
    assert Delivery.objects.get().state == Delivery.State.SENT
    assert "You said: hi" in sim.telegram.answers(ANA)


def test_database_that_hesitates_after_the_send_repeats_nothing(
    telegram: Channel, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks: list[str] = []
    original = settle_sent

    def hesitating(delivery: Delivery, shown: str) -> None:
        marks.append(shown)
        if len(marks) == 1:
            raise OperationalError("database is locked")
        original(delivery, shown)

    monkeypatch.setattr(send, "settle_sent", hesitating)
    ask(sim, telegram)
    assert len(marks) == 2
    assert Delivery.objects.get().state == Delivery.State.SENT
    assert sends(sim) == 1


def test_group_that_throws_us_out_says_nothing_of_the_person(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.say(-50, "@khronos_bot hi", sender=ANA)
    way.fetch(telegram)
    way.dispatch()
    sim.telegram.block(-50)
    way.answer()
    assert Delivery.objects.get().state == Delivery.State.FAILED
    assert not Contact.objects.filter(is_blocked=True).exists()


def test_channel_without_a_token_waits_for_one(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.say(ANA, "hi")
    way.fetch(telegram)
    Channel.objects.update(token="")
    way.dispatch()
    way.answer()
    assert Delivery.objects.get().state == Delivery.State.PENDING
    assert Alert.objects.get(resolved_at=None).name == "channel.default.unauthorized"
    Channel.objects.update(token=telegram.token)
    way.hurry()
    way.answer()
    assert sim.telegram.answers(ANA) == ["You said: hi"]


def test_markup_that_was_refused_is_remembered(telegram: Channel, sim: Simulator) -> None:
    sim.models.reply("**bold** words")
    sim.telegram.fail(
        status=400, method="sendMessage", description="Bad Request: can't parse entities", count=1
    )
    ask(sim, telegram)
    assert Delivery.objects.get().plain
