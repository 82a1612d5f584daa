"""The loop of model and tools: what is asked for, granted, done, stored and told."""

from typing import Any

import pytest
from pytest_django import Settings

from bench.simulator import Simulator
from bench.simulator.models.prompt import Answer, Prompt
from bench.simulator.models.prompt import ToolCall as Wish
from khronos.agents.providers import provider
from khronos.http import pool
from khronos.models import (
    Channel,
    Contact,
    Conversation,
    Event,
    Order,
    ToolCall,
    ToolRound,
    Turn,
)
from tests import factories as make
from tests.integration import way

pytestmark = pytest.mark.usefixtures("bus")
State = ToolCall.State


@pytest.fixture(autouse=True)
def fresh(sim: Simulator) -> Any:
    provider.cache_clear()
    yield
    pool(sim.url).close()
    provider.cache_clear()


def script(sim: Simulator, *answers: Answer) -> list[Prompt]:
    """These answers in this order, whoever asks; what was asked is kept."""
    seen: list[Prompt] = []
    left = list(answers)

    def answer(prompt: Prompt) -> Answer:
        seen.append(prompt)
        return left.pop(0)

    sim.models.answer_with(answer)
    return seen


def wants(name: str, text: str = "", **arguments: Any) -> Answer:
    return Answer(text, (Wish(name, arguments),))


def ana(telegram: Channel) -> Contact:
    """Known before she writes."""
    return make.make_contact(channel=telegram, external_id=way.ANA, name="Ana")


def talk(telegram: Channel, sim: Simulator, *texts: str) -> None:
    way.say(sim, *texts)
    way.all_the_way(telegram)


def states() -> list[str]:
    return list(ToolCall.objects.order_by("pk").values_list("state", flat=True))


def test_model_is_told_what_a_tool_found(telegram: Channel, sim: Simulator) -> None:
    make.make_grant(tenant=telegram.tenant)
    make.make_product(tenant=telegram.tenant, name="Blue cup", sku="CUP-1")
    make.make_product(name="Blue cup of another tenant")
    seen = script(sim, wants("search_catalogue", "Let me look.", words="blue"), Answer("We have one."))
    talk(telegram, sim, "Do you have blue cups?")
    assert sim.telegram.answers(way.ANA) == ["We have one."]
    call = ToolCall.objects.get()
    assert (call.state, call.tool, call.arguments) == (State.DONE, "search_catalogue", {"words": "blue"})
    assert call.result is not None
    assert [each["sku"] for each in call.result["products"]] == ["CUP-1"]
    assert call.round.words == "Let me look."
    assert [prompt.tools for prompt in seen] == [["search_catalogue"]] * 2
    assert "CUP-1" in seen[1].results[0]
    assert "another tenant" not in seen[1].results[0]
    turn = Turn.objects.get()
    assert turn.input_tokens > call.round.input_tokens > 0


def test_turn_without_a_grant_offers_no_tool_and_keeps_no_round(telegram: Channel, sim: Simulator) -> None:
    make.make_grant()  # somebody else's
    seen = script(sim, Answer("Hello."))
    talk(telegram, sim, "Hi")
    assert [prompt.tools for prompt in seen] == [[]]
    assert ToolRound.objects.count() == ToolCall.objects.count() == 0


def test_tool_that_was_not_granted_is_not_reached(telegram: Channel, sim: Simulator) -> None:
    make.make_grant(tenant=telegram.tenant)
    order = make.make_order(contact=ana(telegram))
    seen = script(sim, wants("cancel_order", number=order.pk), Answer("I cannot."))
    talk(telegram, sim, "Cancel my order")
    assert states() == [State.REFUSED]
    assert "no such tool" in seen[1].results[0]
    order.refresh_from_db()
    assert order.state == Order.State.PLACED


@pytest.mark.parametrize(
    "arguments", [{}, {"words": 7}, {"words": "x", "tenant": 2}, {"words": "x" * 201}], ids=str
)
def test_arguments_that_do_not_fit_are_refused_and_explained(
    telegram: Channel, sim: Simulator, arguments: dict[str, Any]
) -> None:
    make.make_grant(tenant=telegram.tenant, tool="place_order")
    make.make_grant(tenant=telegram.tenant)
    name = "search_catalogue" if arguments else "place_order"
    seen = script(sim, wants(name, **arguments), Answer("Sorry."))
    talk(telegram, sim, "Hm")
    assert states() == [State.REFUSED]
    assert "do not fit" in seen[1].results[0]


def test_rounds_end_at_the_cap_and_the_model_has_to_speak(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.TOOL_ROUNDS_MAX = 2
    make.make_grant(tenant=telegram.tenant)
    seen = script(sim, *[wants("search_catalogue", words="x")] * 2, Answer("Enough."))
    talk(telegram, sim, "Look for ever")
    assert sim.telegram.answers(way.ANA) == ["Enough."]
    assert len(seen) == 3
    assert ToolCall.objects.count() == 2


def test_tokens_end_the_rounds_too(telegram: Channel, sim: Simulator, settings: Settings) -> None:
    settings.TOOL_TOKENS_MAX = 1
    make.make_grant(tenant=telegram.tenant)
    script(sim, wants("search_catalogue", words="x"), Answer("Enough."))
    talk(telegram, sim, "Look")
    assert ToolCall.objects.count() == 1


def test_failover_in_the_middle_keeps_what_was_done(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.OPENAI_API_KEY = "sk-simulated"
    make.make_grant(tenant=telegram.tenant)
    make.make_product(tenant=telegram.tenant, name="Red cup", sku="CUP-2")
    asked: list[str] = []

    def answer(prompt: Prompt) -> Answer:
        asked.append(prompt.provider)
        if prompt.results:
            return Answer(f"Found: {prompt.results[0]}")
        sim.models.fail(status=529, provider="anthropic")
        return wants("search_catalogue", words="red")

    sim.models.answer_with(answer)
    talk(telegram, sim, "Red cups?")
    assert asked == ["anthropic", "openai"]
    assert "CUP-2" in sim.telegram.answers(way.ANA)[0]
    assert states() == [State.DONE]


def test_openai_asks_for_tools_and_is_told(telegram: Channel, sim: Simulator, settings: Settings) -> None:
    settings.ANTHROPIC_API_KEY, settings.OPENAI_API_KEY = "", "sk-simulated"
    make.make_grant(tenant=telegram.tenant)
    make.make_product(tenant=telegram.tenant, name="Red cup", sku="CUP-2")
    seen = script(
        sim,
        Answer("", (Wish("search_catalogue", {"words": "red"}), Wish("nonsense", {}))),
        Answer("One red cup."),
    )
    talk(telegram, sim, "Red cups?")
    assert states() == [State.DONE, State.REFUSED]
    assert len(seen[1].results) == 2
    assert sim.telegram.answers(way.ANA) == ["One red cup."]


def test_parked_turn_goes_on_after_the_last_round(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.PARK_MIN_S = settings.PARK_MAX_S = (
        60.0  # no machine is so slow that it is due before it is hurried
    )
    make.make_grant(tenant=telegram.tenant)
    times: list[int] = []

    def answer(prompt: Prompt) -> Answer:
        times.append(len(prompt.results))
        if prompt.results:
            return Answer("Done.")
        sim.models.fail(status=529, count=1)
        return wants("search_catalogue", words="x")

    sim.models.answer_with(answer)
    talk(telegram, sim, "Look")
    assert Turn.objects.get().state == Turn.State.PARKED
    way.hurry()
    way.answer()
    assert times == [0, 1]
    assert states() == [State.DONE]
    assert sim.telegram.answers(way.ANA)[-1] == "Done."


def test_hand_off_goes_through_the_door_of_the_command(telegram: Channel, sim: Simulator) -> None:
    make.make_queue(tenant=telegram.tenant, slug="general", is_default=True)
    queue = make.make_queue(tenant=telegram.tenant, slug="billing")
    make.make_grant(tenant=telegram.tenant, tool="hand_off")
    script(sim, wants("hand_off", reason="angry", queue="billing"), Answer("Somebody will write here."))
    talk(telegram, sim, "This bill is wrong!")
    conversation = Conversation.objects.get()
    assert (conversation.handler, conversation.queue) == (Conversation.Handler.QUEUE, queue)
    assert sim.telegram.answers(way.ANA) == ["Somebody will write here."]
    fact = Event.objects.get(type=Event.Type.HANDOFF_REQUESTED, payload__by="assistant")
    assert fact.payload["target"] == f"agent.queue.{queue.pk}"
    talk(telegram, sim, "Hello?")
    assert len(sim.telegram.answers(way.ANA)) == 1


def test_hand_off_reaches_no_queue_of_another_tenant(telegram: Channel, sim: Simulator) -> None:
    make.make_queue(slug="theirs")
    make.make_grant(tenant=telegram.tenant, tool="hand_off")
    seen = script(sim, wants("hand_off", reason="x", queue="theirs"), Answer("Nobody is here."))
    talk(telegram, sim, "A person!")
    assert Conversation.objects.get().handler == Conversation.Handler.BOT
    assert "no such queue" in seen[1].results[0]
