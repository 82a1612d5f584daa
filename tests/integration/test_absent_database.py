"""The database goes away between two statements: what was leased is free, or ours, as soon as it is back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import OperationalError, connection
from django.db.models import F
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.conversation import answer
from khronos.conversation import turn as turns
from khronos.delivery import send
from khronos.exceptions import LostLease
from khronos.models import Channel, Delivery, Message, Turn
from tests.integration import way

pytestmark = pytest.mark.django_db(transaction=True)

LEASE = timedelta(seconds=30)


@contextmanager
def away(statement: str, times: int = 1) -> Iterator[None]:
    """It does not answer the next statements that hold these words."""
    left = times

    def lose(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal left
        if left and statement in sql:
            left -= 1
            raise OperationalError("server closed the connection unexpectedly")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(lose):
        yield
    assert left == 0


@pytest.fixture
def asked(telegram: Channel, sim: Simulator, bus: "redis.Redis") -> Turn:
    sim.telegram.say(7, "hello")
    way.fetch(telegram)
    way.dispatch()
    return Turn.objects.get()


@pytest.mark.parametrize("statement", ['UPDATE "khronos_turn"', 'INNER JOIN "khronos_conversation"'])
def test_claim_is_asked_again_and_counts_as_one(asked: Turn, sim: Simulator, statement: str) -> None:
    with away(statement):
        turns.take(asked.pk)
    asked.refresh_from_db()
    assert (asked.state, asked.attempts) == (Turn.State.ANSWERED, 1)
    assert sim.telegram.answers(7) == ["You said: hello"]


def test_turn_that_could_not_be_read_is_due_at_once(asked: Turn, sim: Simulator) -> None:
    with away('FROM "khronos_message"'):
        turns.take(asked.pk)
    asked.refresh_from_db()
    assert (asked.state, asked.reason) == (Turn.State.PARKED, "database: OperationalError")
    assert (asked.attempts, asked.deferrals) == (1, 1)  # nobody died over it
    assert Turn.objects.due().get() == asked
    assert sim.telegram.answers(7) == []
    way.answer()
    assert sim.telegram.answers(7) == ["You said: hello"]


def test_turn_that_is_cut_off_again_and_again_waits_a_little_longer_each_time(asked: Turn) -> None:
    waits = []
    for _ in range(4):
        with away('FROM "khronos_message"'):
            turns.take(asked.pk)
        asked.refresh_from_db()
        assert asked.due_at is not None
        waits.append(Turn.objects.due().exists())
        way.hurry()
    assert waits == [True, False, False, False]
    assert (asked.attempts, asked.deferrals) == (4, 4)


def test_claim_whose_commit_was_not_heard_of_is_the_same_claim(asked: Turn) -> None:
    first = Turn.objects.claim(asked.pk, LEASE, number="one")
    again = Turn.objects.claim(asked.pk, LEASE, number="one", again=True)
    assert first is not None
    assert again is not None
    assert (again.attempts, again.fence) == (first.attempts, first.fence) == (1, 1)
    assert Turn.objects.claim(asked.pk, LEASE, number="two", again=True) is None
    assert Turn.objects.claim(asked.pk, LEASE) is None


def test_claim_that_was_lost_meanwhile_is_not_answered(asked: Turn) -> None:
    assert Turn.objects.claim(asked.pk, LEASE, number="one") is not None
    way.hurry()
    assert Turn.objects.claim(asked.pk, LEASE, number="two") is not None
    assert Turn.objects.claim(asked.pk, LEASE, number="one", again=True) is None


def test_answer_whose_commit_was_not_heard_of_is_sent_once_and_at_once(asked: Turn, sim: Simulator) -> None:
    turn = turns.claim(asked.pk)
    assert turn is not None
    replies = [answer.Reply("hello yourself"), answer.Reply("and you?")]
    stored = answer.store(turn, replies, even_if_amended=False)
    again = answer.store(turn, replies, even_if_amended=False)
    assert stored is not None
    assert again == stored
    assert Message.objects.filter(author=Message.Author.BOT).count() == 2
    send.send_all(again, turn.conversation)
    assert sim.telegram.answers(7) == ["hello yourself", "and you?"]
    assert not Delivery.objects.filter(doubtful=True).exists()


def test_answer_that_somebody_else_sends_by_now_is_left_to_him(asked: Turn) -> None:
    turn = turns.claim(asked.pk)
    assert turn is not None
    answer.store(turn, [answer.Reply("hello yourself")], even_if_amended=False)
    way.hurry()
    assert Delivery.objects.claim(Delivery.objects.get().pk, LEASE) is not None
    assert answer.store(turn, [answer.Reply("hello yourself")], even_if_amended=False) == []


def test_turn_that_an_operator_has_taken_is_not_taken_for_ours(asked: Turn) -> None:
    turn = turns.claim(asked.pk)
    assert turn is not None
    Turn.objects.update(state=Turn.State.SILENT, due_at=None, fence=F("fence") + 1)
    with pytest.raises(LostLease):
        answer.store(turn, [answer.Reply("hello yourself")], even_if_amended=False)
    assert not Delivery.objects.exists()


def test_refusal_that_could_not_be_noted_leaves_no_delivery_in_doubt(asked: Turn, sim: Simulator) -> None:
    sim.telegram.fail(status=429, method="sendMessage", retry_after=0.01, count=1)
    with away('UPDATE "khronos_delivery"'):
        turns.take(asked.pk)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.crashes) == (Delivery.State.PENDING, -1)
    way.hurry()
    way.answer()
    assert sim.telegram.answers(7) == ["You said: hello"]
    assert not Delivery.objects.filter(doubtful=True).exists()


def test_sent_answer_is_marked_when_the_database_is_back_though_its_lease_is_over(
    asked: Turn, sim: Simulator, settings: Settings
) -> None:
    settings.DELIVERY_LEASE = timedelta(seconds=1)
    with away('UPDATE "khronos_delivery"', times=3):
        turns.take(asked.pk)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.doubtful, delivery.attempts) == (Delivery.State.SENT, False, 1)
    assert sim.telegram.answers(7) == ["You said: hello"]


def test_sent_answer_whose_time_cannot_be_asked_for_is_sent_all_the_same(asked: Turn, sim: Simulator) -> None:
    sim.telegram.fail(status=429, method="sendMessage", retry_after=0.01, count=1)
    turns.take(asked.pk)
    way.hurry()
    with away('ORDER BY "khronos_update"."received_at"'):
        send.deliver(Delivery.objects.get().pk)
    assert Delivery.objects.get().state == Delivery.State.SENT
    assert sim.telegram.answers(7) == ["You said: hello"]


def test_burial_whose_messages_cannot_be_counted_is_told_at_once(
    asked: Turn, sim: Simulator, settings: Settings
) -> None:
    Turn.objects.update(attempts=settings.TURN_MAX_ATTEMPTS)
    with away('FROM "khronos_message"'):
        turns.take(asked.pk)
    asked.refresh_from_db()
    assert (asked.state, asked.attempts) == (Turn.State.BURIED, settings.TURN_MAX_ATTEMPTS + 1)
    assert Delivery.objects.get().state == Delivery.State.SENT
    assert len(sim.telegram.answers(7)) == 1
