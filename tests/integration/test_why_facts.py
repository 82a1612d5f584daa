"""What the timeline is made of: notes of tries, repeats, and the ways to a message."""

from datetime import timedelta

import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.simulator import Simulator
from khronos.bus import notes
from khronos.conversation import repair
from khronos.conversation import turn as turns
from khronos.desk.why import explain
from khronos.intake import bell, repeats
from khronos.intake.accept import accept
from khronos.models import Channel, Delivery, Event, Message, Note, Turn, Update
from tests import factories as make
from tests.integration import way
from tests.integration.test_intake import update
from tests.integration.why_scene import ANA, judged, last, say

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]


# Notes


def test_each_try_is_noted_and_told_in_order(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    pk = Turn.objects.get().pk
    sim.models.fail(status=529)
    for _ in range(2):
        turns.take(pk)
        way.hurry()
    sim.models.heal()
    way.answer()
    found = Event.objects.filter(type=Note.TURN_PUT_OFF).order_by("pk")
    assert [note.payload["try"] for note in found] == [1, 2]
    assert all(note.payload["reason"] == "anthropic: 529 Overloaded" for note in found)
    assert all(note.published_at is not None for note in found)
    told = [step.text for step in last().steps if step.kind == "try"]
    assert [text.partition(" by ")[0] for text in told] == ["try 1", "try 2", "try 3"]
    assert [": put off for " in text for text in told] == [True, True, False]
    waits = [step.text for step in last().steps if step.kind == "waited"]
    assert waits[0].endswith("for a worker")
    assert all(text.endswith("after that failure") for text in waits[1:])


def test_answer_at_the_first_try_leaves_no_note(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    way.answer()
    assert Event.objects.count() == 4
    generated = Event.objects.get(type=Event.Type.RESPONSE_GENERATED).payload
    sent = Event.objects.get(type=Event.Type.MESSAGE_SENT).payload
    assert (generated["try"], sent["try"]) == (1, 1)
    assert "/" not in generated["holder"]
    assert "lost" not in generated
    assert "waited_for" not in sent


def test_long_outage_leaves_few_notes(db: None) -> None:
    turn = make.make_turn(state=Turn.State.WORKING)
    for turn.fence in range(1, 101):
        notes.put_off(turn, timedelta(seconds=5), "away")
    kept = Event.objects.order_by("pk").values_list("idempotency_key", flat=True)
    assert [int(key.rpartition(":")[2]) for key in kept] == [1, 2, 3, 4, 8, 16, 32, 64]


def test_bus_hears_of_no_note(telegram: Channel, sim: Simulator, bus: "redis.Redis") -> None:
    say(sim, telegram, "hi")
    sim.models.fail(status=529)
    turns.take(Turn.objects.get().pk)
    assert Event.objects.filter(type=Note.TURN_PUT_OFF).count() == 1
    assert not Event.objects.filter(type__in=list(Note), published_at=None).exists()
    assert bus.exists(*Note) == 0


def test_dead_worker_is_counted_in_the_try_after_it(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    assert turns.claim(Turn.objects.get().pk) is not None
    way.hurry()
    way.answer()
    told = [step.text for step in last().steps if step.kind == "try"]
    assert len(told) == 1
    assert told[0].endswith("; before it 1 worker died or froze over it")


def test_replay_is_a_step(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.fail(status=400, method="sendMessage", description="Bad Request: chat not found", count=1)
    say(sim, telegram, "hi")
    way.answer()
    assert repair.send_again(Delivery.objects.get())
    way.answer()
    assert judged(last()) == ("answered", "answered")
    told = [step.kind for step in last().steps if step.kind in ("buried", "replayed", "failed", "sent")]
    assert told == ["buried", "replayed", "sent"]
    assert any("given up: sendMessage: 400" in step.text for step in last().steps)
    assert last().verdict.also == []


# Repeats


def test_repeats_are_counted_without_a_row(telegram: Channel) -> None:
    accept(telegram, update(5), way.under("first"))
    with CaptureQueriesContext(connection) as captured:
        accept(telegram, update(5), way.under("second"))
    assert len(captured) == 0
    row = Update.objects.get(key="5")
    assert repeats.times(row) == 1
    assert repeats.original("second") == row
    assert repeats.original("first") is None


def test_flushed_valkey_forgets_repeats_and_nothing_else(telegram: Channel, bus: "redis.Redis") -> None:
    accept(telegram, update(5), way.under("first"))
    accept(telegram, update(5), way.under("second"))
    bus.flushall()
    assert repeats.times(Update.objects.get()) == 0
    assert repeats.original("second") is None
    assert explain("first").rows["update"] == Update.objects.get().pk


def test_repeat_is_refused_as_ever_when_valkey_rests(
    telegram: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(telegram, update(5), way.under("first"))
    monkeypatch.setitem(bell.resting, "until", float("inf"))
    assert not accept(telegram, update(5), way.under("second")).is_new
    assert Update.objects.count() == 1


# The ways to a message


def test_every_id_of_a_message_leads_to_it(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    way.answer()
    say(sim, telegram, "another", chat=ANA + 1)
    way.answer()
    message = Message.objects.filter(author="contact").order_by("pk")[0]
    answer = Message.objects.get(turn=message.turn, author="bot")
    delivery, stored = Delivery.objects.get(message=answer), message.update
    assert stored is not None
    events = Event.objects.filter(trace_id=stored.trace_id)
    ways = [
        str(message.pk),
        f"message:{message.pk}",
        f"Message {message.pk}",
        f"message:{message.pk}\x00\ud800",
        f"message:{answer.pk}",
        f"turn:{message.turn_id}",
        f"delivery:{delivery.pk}",
        f"update:{stored.pk}",
        f"  {stored.trace_id} ",
        stored.key,
        f"{ANA}/{message.external_id}",
        f"{ANA}/{delivery.external_id}",
        f"{ANA}/last",
        str(message.conversation_id),
        *(f"event:{event.pk}" for event in events),
    ]
    assert len(ways) == 18
    told = {reference: explain(reference).rows for reference in ways}
    assert {str(rows) for rows in told.values()} == {str(told[ways[0]])}
    assert told[ways[0]]["message"] == message.pk
    assert told[ways[0]]["deliveries"] == [delivery.pk]


def test_message_whose_bytes_were_forgotten_keeps_its_story(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    way.answer()
    trace_id = Update.objects.get().trace_id
    Update.objects.update(received_at=timezone.now() - timedelta(days=365))
    assert Update.objects.all().forget_old() == 1
    story = explain(trace_id)
    assert judged(story) == ("answered", "answered")
    assert "its bytes were forgotten" in story.steps[0].text
