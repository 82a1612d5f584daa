"""The ledger: a row for each call that was paid, once, whatever becomes of its turn."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.agents.tools import book
from khronos.conversation import answer, holding
from khronos.conversation import turn as turns
from khronos.models import Channel, ToolRound, Turn, Usage, UsageDay
from khronos.models.usage import FIGURES
from khronos.usage import ledger
from khronos.usage.charging import charged_to, note
from khronos.usage.prices import Tokens, micros
from tests.factories import make_turn
from tests.integration import way

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("bus")]


def asked(sim: Simulator, channel: Channel, text: str) -> Turn:
    way.say(sim, text)
    way.fetch(channel)
    way.dispatch()
    turn = turns.claim(Turn.objects.latest("pk").pk)
    assert turn is not None
    return turn


def sums_agree() -> bool:
    """The sums by day are those of the rows."""
    rows = Usage.objects.aggregate(*[Sum(name) for name in FIGURES])
    days = UsageDay.objects.aggregate(*[Sum(name) for name in FIGURES], Sum("calls"))
    calls = days.pop("calls__sum")
    return days == rows and (calls or 0) == Usage.objects.count()


def paid(turn: Turn, **tokens: int) -> None:
    with charged_to(turn):
        note("anthropic", "claude-sonnet-5-5", Tokens(**tokens), "ok")


def test_an_answer_is_one_row_with_its_tokens_and_its_price(telegram: Channel, sim: Simulator) -> None:
    way.say(sim, "what does it cost?")
    way.all_the_way(telegram)
    row, turn = Usage.objects.get(), Turn.objects.get()
    assert (row.turn_id, row.fence, row.round) == (turn.pk, turn.fence, 0)
    assert (row.tenant_id, row.conversation_id) == (turn.conversation.tenant_id, turn.conversation_id)
    assert (row.provider, row.model, row.kind, row.status) == ("anthropic", turn.model, "answer", "ok")
    assert (row.input_tokens, row.output_tokens) == (turn.input_tokens, turn.output_tokens)
    assert row.micros == micros(turn.model, Tokens(turn.input_tokens, turn.output_tokens)) > 0
    assert sums_agree()


def test_the_offline_assistant_is_nobodys_expense(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.ANTHROPIC_API_KEY = settings.OPENAI_API_KEY = ""
    way.say(sim, "hello")
    way.all_the_way(telegram)
    assert len(sim.telegram.answers(way.ANA)) == 1
    assert Usage.objects.count() == UsageDay.objects.count() == 0


def test_an_empty_answer_is_paid_and_so_is_the_next_one(telegram: Channel, sim: Simulator) -> None:
    sim.models.fail(kind="empty", count=1)
    way.say(sim, "are you there?")
    way.all_the_way(telegram)
    way.hurry()
    way.answer()
    rows = list(Usage.objects.order_by("pk").values_list("status", "fence", "round"))
    assert rows == [("empty", 1, 0), ("ok", 2, 0)]
    assert sums_agree()


def test_failed_calls_that_cost_nothing_leave_no_row(telegram: Channel, sim: Simulator) -> None:
    sim.models.fail(status=529)
    way.say(sim, "are you there?")
    way.all_the_way(telegram)
    assert Usage.objects.count() == 0
    sim.models.heal()
    way.hurry()
    way.answer()
    assert Usage.objects.count() == 1


def test_an_answer_whose_question_was_edited_meanwhile_is_paid_too(telegram: Channel, sim: Simulator) -> None:
    turn = asked(sim, telegram, "hm")
    paid(turn, into=100, out=10)
    Turn.objects.update(amended=True)
    assert answer.store(turn, [], even_if_amended=False) is None
    assert Usage.objects.count() == 0
    turns.see_through(turn)
    assert list(Usage.objects.order_by("round").values_list("round", "fence")) == [(0, 1), (1, 1)]
    assert sums_agree()


def test_a_worker_that_lost_its_lease_still_writes_what_it_paid(telegram: Channel, sim: Simulator) -> None:
    frozen = asked(sim, telegram, "slow")
    way.hurry()
    way.answer()
    turns.see_through(frozen)
    assert sim.telegram.answers(way.ANA) == ["You said: slow"]
    assert list(Usage.objects.order_by("fence").values_list("fence", flat=True)) == [1, 2]
    assert sums_agree()


def test_a_worker_that_stops_writes_what_it_paid_with_what_it_gives_back(
    telegram: Channel, sim: Simulator
) -> None:
    turn = asked(sim, telegram, "slow")
    paid(turn, into=100, out=10)
    with holding.holding(turn):
        holding.give_back()
    assert Usage.objects.get().fence == 1
    way.hurry()
    way.answer()
    assert Usage.objects.count() == 2
    assert sums_agree()


def test_what_is_written_again_counts_once() -> None:
    turn = make_turn(fence=3)
    paid(turn, into=100, out=10)
    paid(turn, into=200, out=20)
    for _ in range(2):
        with transaction.atomic():
            ledger.write(turn.paid)
    assert list(Usage.objects.order_by("round").values_list("round", "input_tokens")) == [(0, 100), (1, 200)]
    day = UsageDay.objects.get()
    assert (day.calls, day.input_tokens, day.output_tokens) == (2, 300, 30)


def test_what_a_model_asked_of_tools_is_in_the_ledger_before_it_is_done() -> None:
    turn = make_turn(state=Turn.State.WORKING, fence=1)
    paid(turn, into=100, out=10)
    book.keep(turn, ToolRound(turn=turn, number=0, provider="anthropic"), [])
    assert list(Usage.objects.values_list("fence", "round", "input_tokens")) == [(1, 0, 100)]
    paid(turn, into=200, out=20)
    answer.put_off(turn, timedelta(0), "away", "", was_try=True)
    assert list(Usage.objects.order_by("round").values_list("round", "input_tokens")) == [(0, 100), (1, 200)]
    assert sums_agree()


def test_what_is_rolled_back_counts_nothing() -> None:
    turn = make_turn()
    paid(turn, into=100, out=10)
    with transaction.atomic():
        ledger.write(turn.paid)
        transaction.set_rollback(True)
    assert Usage.objects.count() == UsageDay.objects.count() == 0


def test_a_row_outlives_the_conversation_that_it_was_paid_for() -> None:
    turn = make_turn()
    paid(turn, into=100, out=10)
    ledger.write(turn.paid)
    turn.conversation.delete()
    row: Any = Usage.objects.select_related("conversation", "tenant").get()
    assert (row.conversation, row.tenant) == (None, turn.conversation.tenant)
    assert sums_agree()


def test_nobody_is_charged_outside_of_a_turn() -> None:
    note("anthropic", "claude-sonnet-5-5", Tokens(100, 10), "ok")
    turn = make_turn()
    with charged_to(turn):
        pass
    note("anthropic", "claude-sonnet-5-5", Tokens(100, 10), "ok")
    assert turn.paid == ()
