"""What becomes of calls of tools when a worker dies: nothing is done twice, nothing unknown is claimed."""

import threading
from typing import Any

import pytest
from pytest_django import Settings

from bench.simulator import Simulator
from bench.simulator.models.prompt import Answer, Prompt
from khronos.agents.tools import toolbox
from khronos.agents.tools.base import Tool
from khronos.conversation import turn as turns
from khronos.models import Alert, Channel, Order, Product, ToolCall, Turn
from khronos.resilience import crashpoints
from tests import factories as make
from tests.integration import way
from tests.integration.test_tools import ana, fresh, script, states, wants

__all__ = ["fresh"]
pytestmark = pytest.mark.usefixtures("bus")
State = ToolCall.State


class Died(BaseException):
    """As a kill would: nothing of ours catches it."""


@pytest.fixture
def dies(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The worker dies when it reaches this point, once."""
    points: set[str] = set()

    def reached(name: str) -> None:
        if name in points:
            points.remove(name)
            raise Died(name)

    monkeypatch.setattr(crashpoints, "reached", reached)
    return points.add


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A tool that changes something outside, and what it was called with."""
    calls: list[dict[str, Any]] = []
    schema = {"type": "object", "properties": {"to": {"type": "string"}}, "additionalProperties": False}

    def run(_scene: Any, arguments: Any) -> dict[str, Any]:
        calls.append(dict(arguments))
        return {"sent": True}

    mail = Tool("mail", "Send a mail.", schema, {}, run, side_effects=True, guard="tool:mail")
    monkeypatch.setitem(toolbox.of_the_library(), "mail", mail)
    return calls


def crash_once(telegram: Channel, sim: Simulator, text: str) -> None:
    way.say(sim, text)
    way.fetch(telegram)
    way.dispatch()
    with pytest.raises(Died):
        turns.take(Turn.objects.get().pk)
    way.hurry()


@pytest.mark.parametrize("point", ["tools.done", "turn.thought", "turn.answered"])
def test_change_of_our_own_tables_happens_once_wherever_a_worker_dies(
    telegram: Channel, sim: Simulator, dies: Any, point: str
) -> None:
    product = make.make_product(tenant=telegram.tenant, sku="CUP-1", stock=5)
    make.make_grant(tenant=telegram.tenant, tool="place_order")
    ana(telegram)

    def answer(prompt: Prompt) -> Answer:
        return Answer("Ordered.") if prompt.results else wants("place_order", sku="CUP-1", quantity=2)

    sim.models.answer_with(answer)
    way.say(sim, "Two cups please")
    way.all_the_way(telegram)
    way.say(sim, "yes")
    way.fetch(telegram)
    way.dispatch()
    dies(point)
    with pytest.raises(Died):
        turns.take(Turn.objects.get(state=Turn.State.WAITING).pk)
    way.hurry()
    way.answer()
    product.refresh_from_db()
    assert (product.stock, Order.objects.count()) == (3, 1)
    assert sim.telegram.answers(way.ANA)[-1] == "Ordered."


@pytest.mark.parametrize("point", ["tools.asked", "tools.kept"])
def test_call_that_was_not_begun_is_made_by_the_next_worker(
    telegram: Channel, sim: Simulator, dies: Any, sent: list[dict[str, Any]], point: str
) -> None:
    make.make_grant(tenant=telegram.tenant, tool="mail")
    sim.models.answer_with(lambda prompt: Answer("Sent.") if prompt.results else wants("mail", to="bob"))
    dies(point)
    crash_once(telegram, sim, "Mail Bob")
    assert sent == []
    way.answer()
    assert sent == [{"to": "bob"}]
    assert states() == [State.DONE]


def test_call_that_is_done_is_not_made_again(
    telegram: Channel, sim: Simulator, dies: Any, sent: list[dict[str, Any]]
) -> None:
    make.make_grant(tenant=telegram.tenant, tool="mail")
    seen = script(sim, wants("mail", to="bob"), Answer("Sent."))
    dies("tools.done")
    crash_once(telegram, sim, "Mail Bob")
    way.answer()
    assert sent == [{"to": "bob"}]
    assert len(seen) == 2
    assert sim.telegram.answers(way.ANA) == ["Sent."]


@pytest.mark.parametrize(("point", "times"), [("tool.running", 0), ("tool.called", 1)])
def test_call_that_died_in_the_middle_is_not_repeated_and_said_to_be_unknown(
    telegram: Channel, sim: Simulator, dies: Any, sent: list[dict[str, Any]], point: str, times: int
) -> None:
    make.make_grant(tenant=telegram.tenant, tool="mail")
    seen = script(sim, wants("mail", to="bob"), Answer("I do not know whether it was sent."))
    dies(point)
    crash_once(telegram, sim, "Mail Bob")
    way.answer()
    assert len(sent) == times
    assert states() == [State.UNKNOWN]
    assert "unknown whether this happened" in seen[1].results[0]
    assert Alert.objects.get(name="tool.mail.unknown").level == "error"
    assert sim.telegram.answers(way.ANA) == ["I do not know whether it was sent."]


def test_question_of_a_tool_that_only_reads_is_asked_again_after_a_death(
    telegram: Channel, sim: Simulator, dies: Any
) -> None:
    make.make_product(tenant=telegram.tenant, name="Blue cup")
    make.make_grant(tenant=telegram.tenant)
    script(sim, wants("search_catalogue", words="blue"), Answer("One."))
    dies("tool.running")
    crash_once(telegram, sim, "Blue?")
    way.answer()
    assert states() == [State.DONE]
    assert Alert.objects.filter(name__startswith="tool.").count() == 0


def test_worker_that_lost_its_turn_calls_nothing_more(
    telegram: Channel, sim: Simulator, sent: list[dict[str, Any]]
) -> None:
    make.make_grant(tenant=telegram.tenant, tool="mail")

    def answer(prompt: Prompt) -> Answer:
        Turn.objects.update(fence=99)  # another worker took it while the model thought
        return wants("mail", to="bob")

    sim.models.answer_with(answer)
    way.say(sim, "Mail Bob")
    way.fetch(telegram)
    way.dispatch()
    turns.take(Turn.objects.get().pk)
    assert sent == []
    assert ToolCall.objects.count() == 0


def test_tool_that_takes_too_long_is_left_and_its_outcome_unknown(
    telegram: Channel, sim: Simulator, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    over = threading.Event()
    schema = {"type": "object"}
    hang = Tool("hang", "Hangs.", schema, {}, lambda *_: over.wait(30), side_effects=True, timeout_s=-0.9)
    monkeypatch.setitem(toolbox.of_the_library(), "hang", hang)
    make.make_grant(tenant=telegram.tenant, tool="hang")
    script(sim, wants("hang"), Answer("Nobody knows."))
    way.say(sim, "Hang")
    way.all_the_way(telegram)
    over.set()
    assert states() == [State.UNKNOWN]


def test_stock_that_is_gone_changes_nothing(telegram: Channel, sim: Simulator) -> None:
    product = make.make_product(tenant=telegram.tenant, sku="CUP-1", stock=1)
    make.make_grant(tenant=telegram.tenant, tool="place_order")
    script(sim, wants("place_order", sku="CUP-1", quantity=2), Answer("Only one is left."))
    way.say(sim, "Two cups")
    way.all_the_way(telegram)
    way.say(sim, "sim")
    way.all_the_way(telegram)
    assert states() == [State.FAILED]
    assert (Product.objects.get().stock, Order.objects.count()) == (product.stock, 0)
