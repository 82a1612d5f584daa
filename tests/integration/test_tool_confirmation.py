"""Dangerous calls wait for a yes: of the contact or of an operator, to exactly what is done then."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bench.simulator import Simulator
from bench.simulator.models.prompt import Answer
from khronos.conversation import approvals
from khronos.models import Channel, Delivery, Order, ToolCall
from tests import factories as make
from tests.integration import way
from tests.integration.test_tools import ana, fresh, script, states, talk, wants

__all__ = ["fresh"]
pytestmark = pytest.mark.usefixtures("bus")
State = ToolCall.State


@pytest.fixture
def order(telegram: Channel) -> Order:
    make.make_grant(tenant=telegram.tenant, tool="cancel_order")
    return make.make_order(contact=ana(telegram))


def asks_a_colleague(channel: Channel) -> None:
    agent = channel.tenant.agent
    make.make_grant(tenant=agent.tenant, agent=agent, tool="cancel_order", confirmation="operator")


def state_of(order: Order) -> str:
    order.refresh_from_db()
    return order.state


@pytest.mark.parametrize("word", ["yes", "Sim!", "OK.", "sim, por favor", "Yes, do it!", "sim, pode"])
def test_yes_does_exactly_what_was_asked(telegram: Channel, sim: Simulator, order: Order, word: str) -> None:
    seen = script(sim, wants("cancel_order", number=order.pk), Answer("It is cancelled."))
    talk(telegram, sim, "Cancel my order")
    assert sim.telegram.answers(way.ANA) == [f"Cancel order {order.pk}? Answer yes or no."]
    assert (states(), state_of(order)) == ([State.ASKED], Order.State.PLACED)
    assert len(seen) == 1
    talk(telegram, sim, word)
    assert (states(), state_of(order)) == ([State.DONE], Order.State.CANCELLED)
    assert sim.telegram.answers(way.ANA)[-1] == "It is cancelled."
    assert "cancelled" in seen[1].results[0]
    assert ToolCall.objects.get().decision == "yes"


@pytest.mark.parametrize(
    ("word", "state"),
    [("no", State.DECLINED), ("Não", State.DECLINED), ("yes, but only the blue one", State.EXPIRED)],
)
def test_anything_but_a_yes_does_nothing(
    telegram: Channel, sim: Simulator, order: Order, word: str, state: str
) -> None:
    script(sim, wants("cancel_order", number=order.pk), Answer("It stays."), Answer("Yes to what?"))
    talk(telegram, sim, "Cancel my order")
    talk(telegram, sim, word)
    assert (states(), state_of(order)) == ([state], Order.State.PLACED)
    talk(telegram, sim, "yes")
    assert (states(), state_of(order)) == ([state], Order.State.PLACED)


def test_yes_that_comes_too_late_does_nothing(telegram: Channel, sim: Simulator, order: Order) -> None:
    script(sim, wants("cancel_order", number=order.pk), Answer("Too late."))
    talk(telegram, sim, "Cancel my order")
    ToolCall.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    talk(telegram, sim, "yes")
    assert (states(), state_of(order)) == ([State.EXPIRED], Order.State.PLACED)


def test_yes_to_an_operator_is_none_to_the_tool(telegram: Channel, sim: Simulator, order: Order) -> None:
    script(sim, wants("cancel_order", number=order.pk), Answer("Hm."))
    talk(telegram, sim, "Cancel my order")
    conversation = ToolCall.objects.get().turn.conversation
    make.make_message(conversation=conversation, author="operator", text="Shall I send you a gift?")
    talk(telegram, sim, "yes")
    assert (states(), state_of(order)) == ([State.EXPIRED], Order.State.PLACED)


def test_button_is_a_yes_and_only_to_its_own_call(telegram: Channel, sim: Simulator, order: Order) -> None:
    seen = script(sim, wants("cancel_order", number=order.pk), Answer("It is cancelled."))
    talk(telegram, sim, "Cancel my order")
    call = ToolCall.objects.get()
    assert Delivery.objects.get().buttons == [["Yes", f"yes #{call.pk}"], ["No", f"no #{call.pk}"]]
    message = sim.telegram.view(way.ANA)[-1]
    sim.telegram.press(way.ANA, message.message_id, f"yes #{call.pk}")
    way.all_the_way(telegram)
    assert (states(), state_of(order)) == ([State.DONE], Order.State.CANCELLED)
    sim.telegram.press(way.ANA, message.message_id, f"yes #{call.pk}")
    way.all_the_way(telegram)
    assert ToolCall.objects.count() == 1
    settled = "This question is settled already. Nothing more was done."
    assert sim.telegram.answers(way.ANA)[1:] == ["It is cancelled.", settled]
    assert len(seen) == 2


@pytest.mark.parametrize("words", ["wait, stop, do not cancel it", "What does that cost me?"])
def test_words_beside_a_yes_let_it_lapse(telegram: Channel, sim: Simulator, order: Order, words: str) -> None:
    script(sim, wants("cancel_order", number=order.pk), Answer("It stays as it was."))
    talk(telegram, sim, "Cancel my order")
    sim.telegram.say(way.ANA, "yes")
    talk(telegram, sim, words)
    assert (states(), state_of(order)) == ([State.EXPIRED], Order.State.PLACED)
    assert sim.telegram.answers(way.ANA)[-1] == "It stays as it was."


def test_button_of_another_call_confirms_nothing(telegram: Channel, sim: Simulator, order: Order) -> None:
    other = make.make_tool_call(tool="cancel_order", state=State.ASKED, confirmation="contact")
    script(sim, wants("cancel_order", number=order.pk), Answer("Hm."))
    talk(telegram, sim, "Cancel my order")
    talk(telegram, sim, f"yes #{other.pk}")
    other.refresh_from_db()
    assert other.state == State.ASKED
    assert state_of(order) == Order.State.PLACED


def test_operator_approves_once_and_the_contact_hears_of_it(
    telegram: Channel, sim: Simulator, order: Order
) -> None:
    asks_a_colleague(telegram)
    script(sim, wants("cancel_order", number=order.pk), Answer("Meanwhile?"), Answer("It is cancelled."))
    talk(telegram, sim, "Cancel my order")
    assert "colleague" in sim.telegram.answers(way.ANA)[-1]
    talk(telegram, sim, "yes")
    assert (states(), state_of(order)) == ([State.ASKED], Order.State.PLACED)
    olga, call = make.make_user(username="olga"), ToolCall.objects.get()
    assert approvals.decide(call, olga, is_yes=True)
    assert not approvals.decide(call, olga, is_yes=False)
    way.answer()
    assert (states(), state_of(order)) == ([State.DONE], Order.State.CANCELLED)
    assert sim.telegram.answers(way.ANA)[-1] == "It is cancelled."
    call.refresh_from_db()
    assert call.decided_by == olga


def test_operator_declines_and_the_contact_hears_of_it(
    telegram: Channel, sim: Simulator, order: Order
) -> None:
    asks_a_colleague(telegram)
    seen = script(sim, wants("cancel_order", number=order.pk), Answer("They said no."))
    talk(telegram, sim, "Cancel my order")
    assert approvals.decide(ToolCall.objects.get(), make.make_user(), is_yes=False)
    way.answer()
    assert (states(), state_of(order)) == ([State.DECLINED], Order.State.PLACED)
    assert "said no" in seen[1].results[0]
    assert sim.telegram.answers(way.ANA)[-1] == "They said no."


def test_grant_that_is_taken_back_before_the_yes_counts(
    telegram: Channel, sim: Simulator, order: Order
) -> None:
    make.make_grant(tenant=telegram.tenant)
    script(sim, wants("cancel_order", number=order.pk), Answer("I may not."))
    talk(telegram, sim, "Cancel my order")
    telegram.tenant.tool_grants.filter(tool="cancel_order").delete()  # and nobody told the caches
    talk(telegram, sim, "yes")
    assert (states(), state_of(order)) == ([State.REFUSED], Order.State.PLACED)


def test_second_question_of_a_round_has_to_wait(telegram: Channel, sim: Simulator, order: Order) -> None:
    other = make.make_order(contact=order.customer.contact)
    first, second = wants("cancel_order", number=order.pk), wants("cancel_order", number=other.pk)
    script(sim, Answer("", (*first.tools, *second.tools)), Answer("One is cancelled."))
    talk(telegram, sim, "Cancel both")
    assert states() == [State.ASKED, State.REFUSED]
    talk(telegram, sim, "yes")
    assert (state_of(order), state_of(other)) == (Order.State.CANCELLED, Order.State.PLACED)


def test_order_of_somebody_else_stays_whatever_is_said(
    telegram: Channel, sim: Simulator, order: Order
) -> None:
    theirs = make.make_order(contact=make.make_contact(channel=telegram))
    seen = script(sim, wants("cancel_order", number=theirs.pk), Answer("There is none."))
    talk(telegram, sim, "Cancel that order")
    talk(telegram, sim, "yes")
    assert (states(), state_of(theirs)) == ([State.FAILED], Order.State.PLACED)
    assert f"no order {theirs.pk}" in seen[1].results[0]
