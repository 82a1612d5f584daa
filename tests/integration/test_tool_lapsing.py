"""Questions for a yes that nobody answers in time: expired by the sweep, and told of once."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now

from bench.simulator import Simulator
from bench.simulator.models.prompt import Answer
from khronos.conversation import approvals, lapsing
from khronos.conversation import turn as turns
from khronos.models import Alert, Channel, Conversation, Order, ToolCall, Turn
from tasks.schedule import TIMETABLE
from tests import factories as make
from tests.integration import way
from tests.integration.test_tool_confirmation import asks_a_colleague, order, state_of
from tests.integration.test_tool_crashes import Died, dies
from tests.integration.test_tools import fresh, script, states, talk, wants

__all__ = ["dies", "fresh", "order"]
pytestmark = pytest.mark.usefixtures("bus")
State = ToolCall.State


def asked(channel: Channel, sim: Simulator, order: Order, *answers: Answer) -> list[Any]:
    seen = script(sim, wants("cancel_order", number=order.pk), *answers)
    talk(channel, sim, "Cancel my order")
    assert states() == [State.ASKED]
    return seen


def pass_time() -> None:
    """So much that every question is too old, by the clock that dated it."""
    ToolCall.objects.update(expires_at=F("expires_at") - timedelta(days=2))


def test_a_lapsed_question_is_told_of_once_and_without_a_model(
    telegram: Channel, sim: Simulator, order: Order
) -> None:
    seen = asked(telegram, sim, order)
    left = ToolCall.objects.filter(expires_at__gt=Now() + timedelta(minutes=14))
    assert left.filter(expires_at__lte=Now() + timedelta(minutes=15)).exists()
    assert lapsing.sweep() == 0
    pass_time()
    assert lapsing.sweep() == 1
    assert lapsing.sweep() == 0
    way.answer()
    assert (states(), state_of(order)) == ([State.EXPIRED], Order.State.PLACED)
    told = [said for said in sim.telegram.answers(way.ANA) if "not done" in said]
    assert told == [f"Nobody said yes in time, so it was not done: Cancel order {order.pk}?"]
    assert len(seen) == 1  # the model was asked nothing
    assert Alert.objects.count() == 0
    assert Turn.objects.count() == 2


def test_a_yes_after_it_is_none(telegram: Channel, sim: Simulator, order: Order) -> None:
    asked(telegram, sim, order, Answer("Yes to what?"))
    pass_time()
    lapsing.sweep()
    way.answer()
    talk(telegram, sim, "yes")
    assert (states(), state_of(order)) == ([State.EXPIRED], Order.State.PLACED)


def test_what_is_said_meanwhile_is_answered_with_it(telegram: Channel, sim: Simulator, order: Order) -> None:
    seen = asked(telegram, sim, order, Answer("It was too late, and we open at nine."))
    pass_time()
    lapsing.sweep()
    talk(telegram, sim, "When do you open?")
    assert "clear yes in time" in seen[1].results[0]
    assert sim.telegram.answers(way.ANA)[-1] == "It was too late, and we open at nine."
    assert not any("not done" in said for said in sim.telegram.answers(way.ANA))


def test_an_operators_question_that_lapsed_is_an_alert(
    telegram: Channel, sim: Simulator, order: Order
) -> None:
    asks_a_colleague(telegram)
    asked(telegram, sim, order)
    pass_time()
    lapsing.sweep()
    way.answer()
    assert Alert.objects.get().name == "tool.cancel_order.lapsed"
    assert "not done" in sim.telegram.answers(way.ANA)[-1]
    assert not approvals.decide(ToolCall.objects.get(), make.make_user(), is_yes=True)


def test_a_decision_that_was_made_in_time_is_not_swept(
    telegram: Channel, sim: Simulator, order: Order
) -> None:
    asks_a_colleague(telegram)
    asked(telegram, sim, order, Answer("It is cancelled."))
    assert approvals.decide(ToolCall.objects.get(), make.make_user(), is_yes=False)
    pass_time()
    assert lapsing.sweep() == 0
    assert states() == [State.ASKED]


def test_whoever_talks_to_a_person_is_not_disturbed(telegram: Channel, sim: Simulator, order: Order) -> None:
    asked(telegram, sim, order)
    Conversation.objects.update(handler=Conversation.Handler.HUMAN)
    pass_time()
    assert lapsing.sweep() == 1
    assert (states(), Turn.objects.unsettled().count()) == ([State.EXPIRED], 0)


def test_a_crash_tells_of_it_once(telegram: Channel, sim: Simulator, order: Order, dies: Any) -> None:
    asked(telegram, sim, order)
    pass_time()
    lapsing.sweep()
    dies("answer.written")
    with pytest.raises(Died):
        turns.take(Turn.objects.get(state=Turn.State.WAITING).pk)
    way.hurry()
    way.answer()
    assert sum("not done" in said for said in sim.telegram.answers(way.ANA)) == 1


def test_beat_looks_for_them() -> None:
    assert "tasks.ops.let_questions_lapse" in [task for task, _when in TIMETABLE.values()]
