"""What becomes of a turn whose worker dies, freezes or stops: taken up by another, or buried."""

import pytest
from django.utils import timezone

from bench.simulator import Simulator
from khronos.conversation import holding
from khronos.conversation import turn as turns
from khronos.exceptions import LostLease
from khronos.models import Channel, DeadLetter, Message, Turn
from tests.integration import way

pytestmark = pytest.mark.usefixtures("bus")


def test_turn_that_kills_its_workers_is_buried_with_an_apology(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "poison")
    way.fetch(telegram)
    way.dispatch()
    pk = Turn.objects.get().pk
    for _ in range(3):
        assert turns.claim(pk) is not None  # and nothing more: the worker died
        way.hurry()
    way.answer()
    assert Turn.objects.get().state == Turn.State.BURIED
    assert DeadLetter.objects.get().key == str(pk)
    assert len(sim.telegram.answers(way.ANA)) == 1
    assert sim.models.calls() == []
    way.say(sim, "next")
    way.all_the_way(telegram)
    assert sim.telegram.answers(way.ANA)[-1] == "You said: next"


def test_crashes_count_only_in_a_row(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "long outage")
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
    assert sim.telegram.answers(way.ANA)[-1] == "You said: long outage"
    assert DeadLetter.objects.count() == 0


def test_deferred_work_counts_no_crashes(telegram: Channel) -> None:
    turn = Turn(attempts=4, deferrals=3)
    assert turn.crashes == 0


def test_worker_that_lost_its_lease_writes_nothing(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "slow")
    way.fetch(telegram)
    way.dispatch()
    frozen = turns.claim(Turn.objects.get().pk)
    assert frozen is not None
    way.hurry()
    way.answer()
    with pytest.raises(LostLease):
        turns.work_on(frozen)
    assert sim.telegram.answers(way.ANA) == ["You said: slow"]
    assert Message.objects.filter(author="bot").count() == 1


def test_worker_that_stops_gives_its_turn_back_at_once(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "slow")
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
    assert sim.telegram.answers(way.ANA) == ["You said: slow"]
