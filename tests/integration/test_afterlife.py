"""What a killed process held is free when its next life begins, and nothing else is."""

from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import models
from django.db.models.functions import Now

from bench.simulator import Simulator
from khronos.conversation import afterlife, answer, sweep
from khronos.conversation import turn as turns
from khronos.conversation.holding import lock_of
from khronos.exceptions import LostLease
from khronos.knowledge import intake
from khronos.models import Attachment, Channel, Delivery, Document, HealthCheck, Summary, Turn
from tests.factories import make_delivery, make_tenant
from tests.integration import way

LEASE = timedelta(seconds=30)


@pytest.fixture
def under_way(telegram: Channel, sim: Simulator, bus: "redis.Redis") -> Turn:
    """Claimed and locked by an earlier life of this process, which was killed."""
    sim.telegram.say(7, "hello")
    way.fetch(telegram)
    way.dispatch()
    turn = turns.claim(Turn.objects.get().pk)
    assert turn is not None
    assert lock_of(turn).acquire()
    return turn


def test_turn_of_the_last_life_is_answered_without_waiting_for_lease_and_lock(
    under_way: Turn, sim: Simulator
) -> None:
    assert turns.claim(under_way.pk) is None
    assert afterlife.begin() == 1
    way.answer()
    assert sim.telegram.answers(7) == ["You said: hello"]
    assert afterlife.begin() == 0


def test_last_life_that_is_not_dead_after_all_writes_nothing(under_way: Turn) -> None:
    afterlife.begin()
    assert turns.claim(under_way.pk) is not None
    with pytest.raises(LostLease):
        under_way.settle(Turn.State.ANSWERED)


def test_conversation_of_an_answer_that_was_not_yet_sent_is_free(under_way: Turn) -> None:
    """Killed between the answer's commit and the end of the lock."""
    answered = answer.store(under_way, [answer.Reply("hello yourself")], even_if_amended=False)
    assert answered is not None
    assert [each.state for each in answered] == [Delivery.State.SENDING]
    assert not lock_of(under_way).acquire()
    assert afterlife.begin() == 1
    assert lock_of(under_way).acquire()


def test_lock_of_another_process_stays_its_own(under_way: Turn) -> None:
    assert answer.store(under_way, [answer.Reply("hello yourself")], even_if_amended=False) is not None
    Delivery.objects.update(holder="another")
    assert afterlife.begin() == 0
    assert not lock_of(under_way).acquire()


def test_what_another_process_holds_stays_its_own(under_way: Turn) -> None:
    Turn.objects.update(holder="another")
    assert afterlife.begin() == 0
    assert turns.claim(under_way.pk) is None


def test_parked_turn_waits_on(under_way: Turn) -> None:
    under_way.defer(Turn.State.PARKED, LEASE, "the model is away")
    assert afterlife.begin() == 0
    assert Turn.objects.due().count() == 0


@pytest.mark.usefixtures("telegram")
def test_delivery_that_was_being_sent_is_due_and_counts_as_a_crash() -> None:
    delivery = make_delivery()
    assert Delivery.objects.claim(delivery.pk, LEASE) is not None
    assert Delivery.objects.claim(delivery.pk, LEASE) is None
    assert afterlife.begin() == 1
    again = Delivery.objects.claim(delivery.pk, LEASE)
    assert again is not None
    assert again.crashes == 1


def test_what_is_due_follows_a_clock_that_is_put_back(under_way: Turn) -> None:
    Turn.objects.update(due_at=Now() + timedelta(hours=2))
    sweep.follow_clock(7200.0)
    assert Turn.objects.due().get() == under_way
    assert turns.claim(under_way.pk) is not None
    with pytest.raises(LostLease):
        under_way.settle(Turn.State.ANSWERED)


@pytest.mark.usefixtures("telegram")
def test_what_no_person_waits_for_follows_a_clock_that_is_put_back_too() -> None:
    later = Now() + timedelta(hours=2)
    intake.add(make_tenant(), "a.md", b"Hello there")
    Summary.objects.create(conversation=make_delivery().conversation)
    assert HealthCheck.objects.claim("disk", LEASE)
    rows: list[models.QuerySet[Any]] = [
        Document.objects.all(),
        Summary.objects.all(),
        HealthCheck.objects.all(),
    ]
    for each in rows:
        each.update(due_at=later)
    sweep.follow_clock(7200.0)
    assert [each.filter(due_at__lte=Now()).count() for each in rows] == [1, 1, 1]


def test_file_that_was_being_fetched_is_fetched_anew_at_once(
    telegram: Channel, sim: Simulator, bus: "redis.Redis"
) -> None:
    sim.telegram.photo(way.ANA, "Olha")
    way.fetch(telegram)
    way.dispatch()
    file = Attachment.objects.get()
    assert Attachment.objects.seize(file.pk, LEASE) is not None
    assert Attachment.objects.seize(file.pk, LEASE) is None
    assert afterlife.begin() == 1
    way.answer()
    assert sim.telegram.answers(way.ANA) == ["You said: [photo, 1 kB] Olha"]
    file.refresh_from_db()
    assert (file.attempts, afterlife.begin()) == (2, 0)


@pytest.mark.usefixtures("telegram")
def test_document_that_was_being_read_is_due_and_one_that_waits_waits_on() -> None:
    tenant = make_tenant()
    read, waiting = (intake.add(tenant, name, b"Hello there") for name in ("a.md", "b.md"))
    assert Document.objects.claim(read.pk, LEASE) is not None
    late = Document.objects.claim(waiting.pk, LEASE)
    assert late is not None
    late.defer(Document.State.WAITING, LEASE, "the embedder is away")
    assert afterlife.begin() == 1
    assert Document.objects.due().get() == read
