"""Tools and triage in sight: on the page that says why, and on the timeline."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from bench.simulator import Simulator
from bench.simulator.models.prompt import Answer
from khronos.conversation import approvals
from khronos.conversation import turn as turns
from khronos.desk.why import explain
from khronos.desk.why.standing import reasons
from khronos.models import Channel, Conversation, Order, ToolCall, Turn
from tests import factories as make
from tests.integration import way
from tests.integration.test_tool_confirmation import asks_a_colleague, order
from tests.integration.test_tools import fresh, script, talk, wants
from tests.integration.test_triage import billing, sorts
from tests.integration.why_scene import judged, kinds

__all__ = ["billing", "fresh", "order"]
pytestmark = pytest.mark.usefixtures("bus")


def page_of(client: Client, conversation: Conversation) -> str:
    client.force_login(make.make_user())
    url = reverse("admin:khronos_conversation_change", args=[conversation.pk])
    return client.get(url).content.decode()


def test_each_round_and_call_is_a_step_with_its_time(
    telegram: Channel, sim: Simulator, client: Client
) -> None:
    make.make_grant(tenant=telegram.tenant)
    script(sim, wants("search_catalogue", words="cup"), wants("my_orders"), Answer("We have none."))
    talk(telegram, sim, "Do you have cups?")
    story = explain("last")
    assert judged(story) == ("answered", "answered")
    assert (kinds(story).count("round"), kinds(story).count("tool")) == (2, 2)
    told = {step.text: step for step in story.steps}
    done = told["tool search_catalogue: done"]
    call = ToolCall.objects.get(tool="search_catalogue")
    assert (done.row, done.took_s) == (("toolcall", call.pk), call.duration_ms / 1000)
    assert done.until == call.ended_at
    assert "tool my_orders: refused: there is no such tool" in told
    html = page_of(client, Conversation.objects.get())
    assert "tool search_catalogue: done" in html
    assert reverse("admin:khronos_toolcall_change", args=[call.pk]) in html


def test_a_question_for_a_yes_is_a_reason_not_to_be_answered_yet(
    telegram: Channel, sim: Simulator, order: Order, client: Client
) -> None:
    script(sim, wants("cancel_order", number=order.pk), Answer("It is cancelled."))
    talk(telegram, sim, "Cancel my order")
    asking = explain("last")
    assert judged(asking) == ("waiting", "contacts_yes")
    said = "Not answered yet. The tool cancel_order waits for a yes of the contact, and lapses in 1"
    assert asking.verdict.text.startswith(said)
    conversation = Conversation.objects.get()
    assert next(each.text for each in reasons(conversation)).startswith("tool cancel_order: waits for a yes")
    with translation.override("pt-br"):
        assert "espera um sim do contato" in explain("last").verdict.text
    first = Turn.objects.get().pk
    talk(telegram, sim, "yes")
    for reference in ("last", f"turn:{first}"):
        story = explain(reference)
        assert judged(story) == ("answered", "answered")
        assert "tool cancel_order: the contact said yes" in [step.text for step in story.steps]
        assert "tool cancel_order: done" in [step.text for step in story.steps]


def test_an_operators_yes_is_awaited_and_then_told_by_name(
    telegram: Channel, sim: Simulator, order: Order
) -> None:
    asks_a_colleague(telegram)
    script(sim, wants("cancel_order", number=order.pk), Answer("It is cancelled."))
    talk(telegram, sim, "Cancel my order")
    assert judged(explain("last")) == ("waiting", "operators_yes")
    assert approvals.decide(ToolCall.objects.get(), make.make_user(username="olga"), is_yes=True)
    assert "decided, waits for the turn" in explain("last").verdict.text
    way.answer()
    assert "tool cancel_order: olga said yes" in [step.text for step in explain("last").steps]


def test_what_a_working_turn_is_at_is_said(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "Slow?")
    way.fetch(telegram)
    way.dispatch()
    turn = turns.claim(Turn.objects.get().pk)
    assert turn is not None
    make.make_tool_call(turn=turn, state=ToolCall.State.RUNNING, started_at=turn.created_at)
    story = explain("last")
    assert judged(story) == ("waiting", "working")
    assert any(said.startswith("The tool my_orders runs for") for said in story.verdict.also)


def test_triage_is_a_step_with_its_intent(
    telegram: Channel, sim: Simulator, billing: object, client: Client
) -> None:
    sorts(sim)
    talk(telegram, sim, "The parcel arrived broken")
    story = explain("last")
    told = next(step.text for step in story.steps if step.kind == "triage")
    assert told == "triage by claude-sonnet-5-5: to Delivery; the intent: broken parcel"
    assert "broken parcel" in page_of(client, Conversation.objects.get())
