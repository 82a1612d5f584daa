"""What becomes of updates: dispatched once and in order, or quarantined; none holds up another."""

import pytest

from bench.simulator import Simulator
from khronos.conversation import arrivals as rows
from khronos.conversation import dispatch as dispatching
from khronos.conversation import sweep
from khronos.intake.accept import accept
from khronos.models import Alert, Channel, Event, Message, Turn, Update
from tests.integration import way

pytestmark = pytest.mark.usefixtures("bus")


def test_dispatching_twice_is_as_once(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "hello")
    way.fetch(telegram)
    way.dispatch()
    Update.objects.update(state=Update.State.DISPATCHED)
    way.dispatch()
    way.answer()
    assert Message.objects.filter(author="contact").count() == 1
    assert sim.telegram.answers(way.ANA) == ["You said: hello"]


def test_an_update_left_behind_is_dispatched_before_a_later_one(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "first", "second")
    way.fetch(telegram)
    dispatching.dispatch([Update.objects.order_by("-pk").first().pk])  # type: ignore[union-attr]
    assert list(Message.objects.order_by("pk").values_list("text", flat=True)) == ["first", "second"]


def test_poison_is_quarantined_and_holds_up_nothing(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "before")
    way.fetch(telegram)
    accept(telegram, b'{"update_id": 77, "message": {"chat": 5}}')
    way.say(sim, "after")
    way.all_the_way(telegram)
    assert sim.telegram.answers(way.ANA) == ["You said: before\nafter"]
    assert Update.objects.get(state=Update.State.QUARANTINED).reason


def test_innocent_update_is_not_quarantined_for_one_before_it(
    telegram: Channel, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    way.say(sim, "poison", "innocent")
    way.fetch(telegram)
    original = rows.message

    def failing(arrival: rows.Understood, turn: Turn | None) -> Message:
        if arrival.incoming.text == "poison":
            raise ValueError("a fault of ours")
        return original(arrival, turn)

    monkeypatch.setattr(rows, "message", failing)
    dispatching.dispatch([Update.objects.order_by("pk").values_list("pk", flat=True)[1]])
    states = list(Update.objects.order_by("pk").values_list("state", flat=True))
    assert states == [Update.State.QUARANTINED, Update.State.DISPATCHED]
    assert Message.objects.get().text == "innocent"
    assert Alert.objects.filter(name="updates.quarantined", resolved_at=None).count() == 1


def test_update_that_failed_by_our_own_fault_is_tried_again_after_a_start(
    telegram: Channel, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    way.say(sim, "hello")
    way.fetch(telegram)
    accept(telegram, b"what nobody can read")
    with monkeypatch.context() as broken:
        broken.setattr(rows, "message", lambda *_: 1 / 0)
        way.dispatch()
    assert Update.objects.filter(state=Update.State.QUARANTINED).count() == 2
    assert sweep.try_again() == 1
    way.dispatch()
    way.answer()
    assert sim.telegram.answers(way.ANA) == ["You said: hello"]
    assert Update.objects.get(state=Update.State.QUARANTINED).raw == b"what nobody can read"


def test_fact_that_nobody_was_told_is_told_by_the_relay(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "hi")
    way.fetch(telegram)
    dispatching.dispatch(list(Update.objects.values_list("pk", flat=True)), told=False)
    untold = Event.objects.filter(published_at=None).values_list("type", flat=True)
    assert set(untold) == {"inbox.message.received", "routing.handoff.requested"}
