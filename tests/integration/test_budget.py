"""A month's budget: nobody spends more, whoever waits for it is told once and answered when there is more."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import redis
from django.db import connections
from django.db.models import Sum
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.conversation import budgets
from khronos.conversation import turn as turns
from khronos.conversation.phrases import PHRASES
from khronos.desk.why import explain
from khronos.herald import watch
from khronos.models import Alert, Channel, Tenant, Turn, Usage
from khronos.usage import budget, ledger
from khronos.usage.charging import charged_to, note
from khronos.usage.prices import Tokens, price_of
from tests.factories import make_channel, make_conversation, make_turn, make_user
from tests.integration import way

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("bus")]

MODEL = "claude-sonnet-5-5"
CENT = 10_000  # millionths


@pytest.fixture(autouse=True)
def a_token_costs_a_cent(settings: Settings) -> Iterator[None]:
    settings.PRICES = {MODEL: ("10000", "10000")}
    settings.ANSWER_MAX_TOKENS = 8
    price_of.cache_clear()
    yield
    price_of.cache_clear()


def tenant_with(cents: int) -> Tenant:
    tenant: Tenant = make_channel().tenant
    tenant.monthly_budget = Decimal(cents) / 100
    tenant.save()
    return tenant


def turn_of(tenant: Tenant) -> Turn:
    channel: Channel = tenant.channels.get()
    return make_turn(conversation=make_conversation(channel=channel), fence=1)


def pay(turn: Turn, cents: int) -> None:
    with charged_to(turn):
        note("anthropic", MODEL, Tokens(into=cents), "ok")
    ledger.write(turn.paid)


def spend(tenant: Tenant, cents: int) -> None:
    turn = turn_of(tenant)
    pay(turn, cents)
    budget.settle(turn)


def give(channel: Channel, cents: int) -> None:
    Tenant.objects.filter(pk=channel.tenant_id).update(monthly_budget=Decimal(cents) / 100)


def spent_cents() -> int:
    return int((Usage.objects.aggregate(sum=Sum("micros"))["sum"] or 0) / CENT)


def held(bus: "redis.Redis", tenant: Tenant) -> int:
    return int(bus.hget(budget.keys(tenant.pk)[0], "held") or 0) // CENT


def open_alerts() -> list[str]:
    return sorted(Alert.objects.open().filter(name__startswith="budget.").values_list("name", flat=True))


# What may be reserved


def test_what_is_reserved_for_others_cannot_be_spent(bus: "redis.Redis") -> None:
    tenant = tenant_with(100)
    first, second = turn_of(tenant), turn_of(tenant)
    budget.reserve(first, 60 * CENT)
    with pytest.raises(budget.Held):
        budget.reserve(second, 60 * CENT)
    pay(first, 20)
    budget.settle(first)
    budget.reserve(second, 60 * CENT)
    assert held(bus, tenant) == 60


def test_the_last_of_a_budget_may_be_spent_by_one_at_a_time() -> None:
    tenant = tenant_with(100)
    spend(tenant, 95)
    first, second = turn_of(tenant), turn_of(tenant)
    budget.reserve(first, 60 * CENT)
    with pytest.raises(budget.Held):
        budget.reserve(second, 1 * CENT)
    pay(first, 10)
    budget.settle(first)
    with pytest.raises(budget.Spent, match=rf"^budget\.spent\.{tenant.slug}: the 1\.00 USD of this month"):
        budget.reserve(second, 1 * CENT)


def test_each_round_of_a_turn_holds_what_it_has_cost_and_what_the_next_may(bus: "redis.Redis") -> None:
    tenant = tenant_with(100)
    turn = turn_of(tenant)
    budget.reserve(turn, 30 * CENT)
    pay(turn, 5)
    budget.reserve(turn, 30 * CENT)
    assert held(bus, tenant) == 35
    pay(turn, 6)
    budget.settle(turn)
    assert held(bus, tenant) == 0
    assert budget.spent(tenant.pk) == 11 * CENT


def test_a_reservation_of_a_dead_process_lapses(bus: "redis.Redis", monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = tenant_with(100)
    monkeypatch.setattr(budget, "lapses_s", lambda: 0.05)
    budget.reserve(turn_of(tenant), 90 * CENT)
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            budget.reserve(turn_of(tenant), 90 * CENT)
            break
        except budget.Held:
            time.sleep(0.01)
    assert held(bus, tenant) == 90


def test_a_flushed_valkey_is_told_by_the_ledger(bus: "redis.Redis") -> None:
    tenant = tenant_with(100)
    spend(tenant, 100)
    bus.flushall()
    with pytest.raises(budget.Spent):
        budget.reserve(turn_of(tenant), 1 * CENT)


def test_without_valkey_the_ledger_alone_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> dict[str, Any]:
        raise redis.ConnectionError

    tenant = tenant_with(100)
    spend(tenant, 99)
    monkeypatch.setattr(budget, "scripts", away)
    budget.reserve(turn_of(tenant), 60 * CENT)
    spend(tenant, 1)
    with pytest.raises(budget.Spent):
        budget.reserve(turn_of(tenant), 60 * CENT)


def test_what_valkey_counted_too_much_is_corrected_before_anybody_is_parked(bus: "redis.Redis") -> None:
    tenant = tenant_with(100)
    budget.reserve(turn_of(tenant), 1 * CENT)
    bus.hset(budget.keys(tenant.pk)[0], "spent", 100 * CENT)
    budget.reserve(turn_of(tenant), 1 * CENT)
    assert bus.hget(budget.keys(tenant.pk)[0], "spent") == b"0"


@pytest.mark.parametrize(("own", "default", "limit"), [(None, 0, 0), (None, 5, 5), (0, 5, 0), (3, 5, 3)])
def test_a_tenant_without_a_budget_has_that_of_the_environment(
    settings: Settings, own: int | None, default: int, limit: int
) -> None:
    settings.MONTHLY_BUDGET = Decimal(default)
    tenant = Tenant(monthly_budget=None if own is None else Decimal(own))
    assert budget.limit_of(tenant) == limit * 1_000_000


def test_without_a_budget_valkey_is_not_asked(bus: "redis.Redis") -> None:
    turn = turn_of(tenant_with(0))
    budget.reserve(turn, 1000 * CENT)
    budget.settle(turn)
    assert bus.keys("budget:*") == []


# What becomes of a question


def test_a_question_beyond_the_budget_waits_and_is_answered_when_it_is_raised(
    telegram: Channel, sim: Simulator
) -> None:
    give(telegram, 10)
    way.say(sim, "first")
    way.all_the_way(telegram)
    way.say(sim, "second")
    way.all_the_way(telegram)
    turn = Turn.objects.latest("pk")
    assert (turn.state, turn.apologised, turn.attempts) == (Turn.State.PARKED, True, 0)
    assert turn.due_at is not None
    assert turn.due_at > timezone.now()
    assert sim.telegram.answers(way.ANA) == ["You said: first", PHRASES["later"]["pt"]]
    assert explain(f"turn:{turn.pk}").verdict.reason == "budget"
    slug = telegram.tenant.slug
    assert open_alerts() == [f"budget.nearly.{slug}", f"budget.spent.{slug}"]
    way.hurry()
    way.answer()  # it comes again, and is told nothing more
    assert len(sim.telegram.answers(way.ANA)) == 2
    give(telegram, 100_000)
    budgets.watch()
    way.answer()
    assert sim.telegram.answers(way.ANA)[-1] == "You said: second"
    assert open_alerts() == []
    assert len(sim.models.calls()) == 2


def test_the_next_month_answers_by_itself(
    telegram: Channel, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(telegram, 10)
    for text in ("first", "second"):
        way.say(sim, text)
        way.all_the_way(telegram)
    assert len(sim.models.calls()) == 1
    this_month = budget.first_of_month()
    monkeypatch.setattr(
        budget, "first_of_month", lambda: this_month.replace(year=this_month.year + 1, month=1)
    )
    budgets.watch()
    assert open_alerts() == []
    way.answer()
    assert sim.telegram.answers(way.ANA)[-1] == "You said: second"


def test_saving_a_higher_budget_hurries_who_waits(telegram: Channel, sim: Simulator, client: Client) -> None:
    give(telegram, 10)
    for text in ("first", "second"):
        way.say(sim, text)
        way.all_the_way(telegram)
    assert len(sim.models.calls()) == 1
    client.force_login(make_user())
    tenant = telegram.tenant
    page = reverse("admin:khronos_tenant_change", args=[tenant.pk])
    form = {"name": tenant.name, "slug": tenant.slug, "providers": "[]", "monthly_budget": "1000"}
    assert client.post(page, form).status_code == 302
    way.answer()
    assert sim.telegram.answers(way.ANA)[-1] == "You said: second"


def test_another_tenant_goes_on(telegram: Channel, sim: Simulator) -> None:
    poor = tenant_with(1)
    spend(poor, 5)
    way.say(sim, "hello")
    way.all_the_way(telegram)
    assert sim.telegram.answers(way.ANA) == ["You said: hello"]
    budgets.watch()
    assert open_alerts() == [f"budget.nearly.{poor.slug}", f"budget.spent.{poor.slug}"]


def test_at_80_percent_people_are_warned_once() -> None:
    tenant = tenant_with(100)
    spend(tenant, 79)
    budgets.watch()
    assert open_alerts() == []
    spend(tenant, 1)
    for _ in range(3):
        budgets.watch()
    alert = Alert.objects.open().get(name=f"budget.nearly.{tenant.slug}")
    assert (alert.count, alert.level) == (1, "warning")
    assert "0.80 USD of the 1.00 USD" in alert.text
    assert open_alerts() == [f"budget.nearly.{tenant.slug}"]


def test_who_waits_for_money_is_not_stuck(telegram: Channel, sim: Simulator, settings: Settings) -> None:
    settings.ALERT_STUCK_S = 0.001
    give(telegram, 10)
    for text in ("first", "second"):
        way.say(sim, text)
        way.all_the_way(telegram)
    way.say(sim, "third")
    way.fetch(telegram)
    way.dispatch()
    watch.look()
    assert not Alert.objects.open().filter(name="stuck").exists()
    Tenant.objects.update(monthly_budget=None)
    Turn.objects.filter(state=Turn.State.PARKED).update(reason="another")
    watch.look()
    assert Alert.objects.open().filter(name="stuck").exists()


def test_a_model_that_nobody_priced_is_an_alert() -> None:
    turn = turn_of(tenant_with(0))
    budgets.watch()
    assert not Alert.objects.open().filter(name="price.unknown").exists()
    with charged_to(turn):
        note("openai", "somebody-elses", Tokens(into=5), "ok")
    ledger.write(turn.paid)
    for _ in range(2):
        budgets.watch()
    alert = Alert.objects.open().get(name="price.unknown")
    assert (alert.count, "somebody-elses" in alert.text) == (1, True)


# Many at once

CHATS = 100


def take(pk: int) -> None:
    try:
        turns.take(pk)
    finally:
        connections.close_all()


def take_all_due() -> None:
    with ThreadPoolExecutor(24) as crew:
        list(crew.map(take, Turn.objects.due().values_list("pk", flat=True)))


def test_of_a_hundred_at_once_a_budget_for_ten_pays_no_more_and_loses_none(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.PROVIDER_REQUESTS_PER_MINUTE = settings.PROVIDER_CONCURRENCY = {}
    chats = range(1000, 1000 + CHATS)
    for chat in chats:
        way.say(sim, "hi", chat=chat)
    way.fetch(telegram)
    way.dispatch()
    turns.take(Turn.objects.earliest("pk").pk)
    one = spent_cents()
    give(telegram, 10 * one)
    for _ in range(20):
        take_all_due()
        parked = Turn.objects.filter(state=Turn.State.PARKED)
        if parked.filter(reason__contains="are spent").count() == parked.count():
            break
        way.hurry()
    calls, limit = len(sim.models.calls()), 10 * one
    assert one * calls == spent_cents()
    assert limit <= spent_cents() <= limit + one
    assert Turn.objects.filter(state=Turn.State.ANSWERED).count() == calls
    assert parked.count() == CHATS - calls
    give(telegram, 1000 * one)
    budgets.watch()
    for _ in range(5):
        take_all_due()
    way.answer()
    assert Turn.objects.filter(state=Turn.State.ANSWERED).count() == CHATS
    assert len(sim.models.calls()) == CHATS
    told = [sim.telegram.answers(chat) for chat in chats]
    assert all(said[-1] == "You said: hi" for said in told)
    assert all(len(said) <= 2 for said in told)
