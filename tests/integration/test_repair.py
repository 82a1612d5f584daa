"""An operator's hand on a row: it is due again, once, and nobody who held it before can write."""

import json
from datetime import timedelta

import pytest
import redis
from django.utils import timezone

from khronos.conversation import repair
from khronos.exceptions import LostLease
from khronos.models import DeadLetter, Delivery, Turn, Update
from tests import factories as make

pytestmark = pytest.mark.django_db
Source, State = DeadLetter.Source, Turn.State


@pytest.mark.parametrize("state", [State.WAITING, State.PARKED])
def test_what_waits_is_rung_again_at_once(state: str) -> None:
    later = timezone.now() + timedelta(hours=1)
    turn = make.make_turn(state=state, due_at=later, rung_at=timezone.now(), attempts=2, deferrals=2)
    assert repair.ring_again(turn)
    turn.refresh_from_db()
    assert turn in Turn.objects.due()
    assert (turn.state, turn.rung_at, turn.attempts, turn.deferrals) == (state, None, 0, 0)


def test_what_is_worked_on_is_left_to_its_worker_until_the_lease_ends() -> None:
    later = timezone.now() + timedelta(seconds=20)
    held = make.make_turn(state=State.WORKING, due_at=later)
    assert not repair.ring_again(held)
    dead = make.make_turn(state=State.WORKING, attempts=2)
    assert repair.ring_again(dead)
    with pytest.raises(LostLease):
        dead.settle(State.ANSWERED)


@pytest.mark.parametrize("state", [State.ANSWERED, State.SILENT, State.BURIED])
def test_what_is_settled_is_not_rung_for(state: str) -> None:
    assert not repair.ring_again(make.make_turn(state=state))


def test_a_buried_turn_is_answered_again_once() -> None:
    turn = make.make_turn(state=State.BURIED, attempts=4, reason="poison")
    letter = make.make_dead_letter(source=Source.TURN, name="turn", key=str(turn.pk))
    assert repair.answer_again(turn)
    assert not repair.answer_again(turn)
    turn.refresh_from_db()
    assert (turn.state, turn.attempts, turn.reason) == (State.WAITING, 0, "")
    assert turn in Turn.objects.due()
    letter.refresh_from_db()
    assert letter.replayed_at is not None


def test_a_buried_turn_joins_the_one_that_collects() -> None:
    buried = make.make_turn(state=State.BURIED)
    said = make.make_message(conversation=buried.conversation, turn=buried)
    collecting = make.make_turn(conversation=buried.conversation)
    assert repair.answer_again(buried)
    said.refresh_from_db()
    buried.refresh_from_db()
    assert said.turn == collecting
    assert (buried.state, buried.due_at) == (State.SILENT, None)


def test_a_turn_that_begins_between_look_and_write_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    buried = make.make_turn(state=State.BURIED)
    said = make.make_message(conversation=buried.conversation, turn=buried)
    begun = make.make_turn(conversation=buried.conversation)
    looks = [None, begun]
    monkeypatch.setattr(repair, "collecting", lambda turn: looks.pop(0))
    assert repair.answer_again(buried)
    said.refresh_from_db()
    assert said.turn == begun
    assert looks == []


def test_a_failed_delivery_is_sent_again_once() -> None:
    delivery = make.make_delivery(state=Delivery.State.FAILED, reason="400", doubtful=True, attempts=3)
    letter = make.make_dead_letter(source=Source.DELIVERY, name="delivery", key=str(delivery.pk))
    assert repair.send_again(delivery)
    assert not repair.send_again(delivery)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.doubtful) == (Delivery.State.PENDING, 0, True)
    assert delivery in Delivery.objects.due()
    letter.refresh_from_db()
    assert letter.replayed_at is not None


def test_what_was_sent_is_never_sent_again() -> None:
    delivery = make.make_delivery(state=Delivery.State.SENT)
    assert not repair.send_again(delivery)
    assert not repair.send_now(delivery)


def test_only_the_quarantined_are_read_again() -> None:
    update = make.make_update(state=Update.State.QUARANTINED, reason="odd")
    assert repair.read_again(update)
    assert not repair.read_again(update)
    assert not repair.read_again(make.make_update(state=Update.State.DISPATCHED))


def test_a_replayed_task_is_queued_once(bus: "redis.Redis") -> None:
    payload = {"args": [7], "kwargs": {"hard": True}, "queue": "ops"}
    letter = make.make_dead_letter(name="tasks.ops.check", payload=payload)
    assert repair.replay(letter) == "Task tasks.ops.check was queued."
    with pytest.raises(repair.Unrepairable, match="before"):
        repair.replay(letter)
    queued = [json.loads(entry) for entry in bus.lrange("ops", 0, -1)]
    assert [entry["headers"]["task"] for entry in queued] == ["tasks.ops.check"]


def test_a_replay_that_fails_can_be_tried_again() -> None:
    letter = make.make_dead_letter(source=Source.TURN, name="turn", key="no number")
    for _ in range(2):
        with pytest.raises(repair.Unrepairable, match="gone or settled"):
            repair.replay(letter)
    letter.refresh_from_db()
    assert letter.replayed_at is None


def test_a_stream_entry_brings_its_update_back() -> None:
    update = make.make_update(state=Update.State.QUARANTINED)
    entry = {"idempotency_key": f"received:{update.pk}", "payload": "{}"}
    letter = make.make_dead_letter(source=Source.STREAM, name="inbox.message.received", payload=entry)
    assert repair.replay(letter) == f"Update {update.pk} waits for the dispatcher."
    update.refresh_from_db()
    assert update.state == Update.State.RECEIVED


def test_a_stream_entry_whose_update_was_dispatched_is_done() -> None:
    update = make.make_update(state=Update.State.DISPATCHED)
    entry = {"idempotency_key": f"received:{update.pk}"}
    letter = make.make_dead_letter(source=Source.STREAM, name="inbox.message.received", payload=entry)
    assert repair.replay(letter) == f"Update {update.pk} was dispatched meanwhile."
    update.refresh_from_db()
    assert update.state == Update.State.DISPATCHED


@pytest.mark.parametrize("key", ["received:", "received:-1", "received:" + "9" * 40, "handoff:1", ""])
def test_a_stream_entry_without_an_update_cannot_be_replayed(key: str) -> None:
    letter = make.make_dead_letter(source=Source.STREAM, payload={"idempotency_key": key})
    with pytest.raises(repair.Unrepairable):
        repair.replay(letter)


def test_a_delivery_of_a_dead_letter_that_waits_is_hurried() -> None:
    later = timezone.now() + timedelta(hours=1)
    delivery = make.make_delivery(due_at=later)
    letter = make.make_dead_letter(source=Source.DELIVERY, name="delivery", key=str(delivery.pk))
    assert repair.replay(letter) == f"Delivery {delivery.pk} is due now."
    assert delivery in Delivery.objects.due()
