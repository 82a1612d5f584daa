"""What is counted of a message on its way, and that nothing is counted which was rolled back."""

from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import transaction
from django.test import RequestFactory
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.conversation import turn as turns
from khronos.intake.accept import accept
from khronos.models import Channel, DeadLetter, Delivery, Turn
from khronos.models.deadletter import keep
from khronos.observability.requests import MeasuredHandler
from khronos.observability.scrape import counted
from khronos.usage.prices import Tokens, micros
from tests.integration import way
from tests.integration.test_intake import update

ANA = 7
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("bus")]

type Numbers = dict[tuple[str, ...], float]


def numbers() -> Numbers:
    return {
        (sample.name.removeprefix("khronos_"), *sample.labels.values()): sample.value
        for family in counted()
        for sample in family.samples
    }


def more(before: Numbers, *prefixes: str) -> dict[tuple[str, ...], float]:
    """What has grown since, of these names."""
    return {
        name: value - before.get(name, 0.0)
        for name, value in numbers().items()
        if name[0].startswith(prefixes) and value != before.get(name, 0.0)
    }


MESSAGES = (
    "telegram_messages",
    "messages_",
    "deliveries_total",
    "end_to_end_seconds_count",
    "doubtful_total",
    "given_up_total",
    "lease_expiries_total",
)


def test_an_answered_message_is_counted_once_everywhere(telegram: Channel, sim: Simulator) -> None:
    before = numbers()
    sim.telegram.say(ANA, "hi")
    way.all_the_way(telegram)
    assert more(before, *MESSAGES) == {
        ("telegram_messages_received_total", "private"): 1,
        ("telegram_messages_sent_total", "sent"): 1,
        ("messages_processed_total", "telegram", "answered"): 1,
        ("deliveries_total", "sent"): 1,
        ("end_to_end_seconds_count",): 1,
    }
    model = settings.ANTHROPIC_MODEL
    calls = more(
        before,
        "api_calls",
        "anthropic_api_calls",
        "anthropic_api_duration_seconds_count",
        "ai_latency_seconds_count",
    )
    assert calls == {
        ("api_calls_total", "anthropic", "ok"): 1,
        ("ai_latency_seconds_count", "anthropic"): 1,
        ("anthropic_api_calls_total", model, "ok"): 1,
        ("anthropic_api_duration_seconds_count", model): 1,
    }
    tokens, turn = more(before, "anthropic_tokens_used"), Turn.objects.get()
    assert tokens == {
        ("anthropic_tokens_used_total", model, "input"): turn.input_tokens,
        ("anthropic_tokens_used_total", model, "output"): turn.output_tokens,
    }
    price = micros(model, Tokens(turn.input_tokens, turn.output_tokens))
    (spent,) = more(before, "cost_usd_total").values()
    assert spent == pytest.approx(price / 1_000_000)


def test_a_late_answer_counts_from_the_message_and_not_from_the_send(
    telegram: Channel, sim: Simulator
) -> None:
    sim.telegram.fail(status=429, method="sendMessage", retry_after=30, count=1)
    before = numbers()
    sim.telegram.say(ANA, "hi")
    way.all_the_way(telegram)
    assert more(before, "telegram_messages_sent", "end_to_end") == {
        ("telegram_messages_sent_total", "put_off"): 1
    }
    way.hurry()
    way.answer()
    grown = more(before, "telegram_messages_sent", "end_to_end_seconds_count", "end_to_end_seconds_sum")
    waited = grown.pop(("end_to_end_seconds_sum",))
    assert grown == {
        ("telegram_messages_sent_total", "put_off"): 1,
        ("telegram_messages_sent_total", "sent"): 1,
        ("end_to_end_seconds_count",): 1,
    }
    delivery = Delivery.objects.get()
    assert delivery.sent_at is not None
    assert waited >= (delivery.sent_at - delivery.created_at).total_seconds()


def test_a_contact_that_blocked_us_is_a_failure_with_its_reason(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.say(ANA, "hi")
    way.fetch(telegram)
    way.dispatch()
    sim.telegram.block(ANA)
    before = numbers()
    way.answer()
    assert more(
        before, "telegram_messages_sent", "messages_failed", "deliveries", "end_to_end_seconds_count"
    ) == {
        ("telegram_messages_sent_total", "failed"): 1,
        ("messages_failed_total", "telegram", "blocked"): 1,
        ("deliveries_total", "failed"): 1,
    }


def test_a_send_in_doubt_and_then_given_up_is_counted_as_both(telegram: Channel, sim: Simulator) -> None:
    before = numbers()
    sim.telegram.fail("lost", method="sendMessage")
    sim.telegram.say(ANA, "hi")
    way.all_the_way(telegram)
    assert more(before, "doubtful", "given_up", "deliveries") == {("doubtful_total",): 1}
    way.hurry()
    way.answer()
    assert more(before, "doubtful", "given_up", "deliveries") == {
        ("doubtful_total",): 1,
        ("given_up_total", "delivery"): 1,
        ("deliveries_total", "failed"): 1,
    }


def test_a_turn_whose_worker_died_is_a_lease_that_expired(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.say(ANA, "hi")
    way.fetch(telegram)
    way.dispatch()
    before = numbers()
    assert turns.claim(Turn.objects.get().pk) is not None
    assert more(before, "lease_expiries") == {}
    way.hurry()
    way.answer()
    assert more(before, "lease_expiries") == {("lease_expiries_total", "turn"): 1}


def test_an_update_that_comes_again_is_a_redelivery_with_and_without_redis(
    telegram: Channel, bus: "redis.Redis"
) -> None:
    before = numbers()
    accept(telegram, update(1))
    assert more(before, "redeliveries") == {}
    accept(telegram, update(1))
    bus.flushall()
    accept(telegram, update(1))
    assert more(before, "redeliveries") == {("redeliveries_total",): 2}


def test_what_cannot_be_understood_is_a_failure_and_no_message(telegram: Channel) -> None:
    before = numbers()
    accept(telegram, b"\xff")
    way.dispatch()
    assert more(before, *MESSAGES) == {("messages_failed_total", "telegram", "unreadable"): 1}


def test_what_was_rolled_back_was_not_counted() -> None:
    before = numbers()
    with transaction.atomic():
        keep(DeadLetter.Source.TASK, "task", "1", "because")
        transaction.set_rollback(True)
    assert more(before, "given_up") == {}
    keep(DeadLetter.Source.TASK, "task", "1", "because")
    assert more(before, "given_up") == {("given_up_total", "task"): 1}


def test_a_model_that_is_away_is_counted_as_that(telegram: Channel, sim: Simulator) -> None:
    sim.models.fail(status=529)
    before = numbers()
    sim.telegram.say(ANA, "hi")
    way.fetch(telegram)
    way.dispatch()
    turns.take(Turn.objects.get().pk)
    grown = more(before, "api_calls", "anthropic_tokens", "messages_processed")
    assert grown == {("api_calls_total", "anthropic", "away"): 1}


def test_statements_are_counted_by_what_they_do() -> None:
    before = numbers()
    Turn.objects.filter(pk=0).update(reason="none")
    list(Turn.objects.all())
    grown = more(before, "database_query_duration_seconds_count")
    assert grown["database_query_duration_seconds_count", "update"] == 1
    assert grown["database_query_duration_seconds_count", "select"] >= 1
    assert ("database_query_duration_seconds_count", "delete") not in grown


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/health", "/health", 200),
        ("POST", "/webhooks/telegram/nobody/", "/webhooks/telegram/<slug:slug>/", 404),
        ("GET", "/nowhere/4711", "other", 404),
        ("BREW", "/health", "/health", 405),
    ],
)
def test_requests_are_counted_by_pattern(
    method: str, path: str, route: str, status: int, settings: Settings
) -> None:
    settings.MIDDLEWARE = []
    handler = MeasuredHandler()
    before = numbers()
    request: Any = RequestFactory().generic(method, path)
    assert handler.get_response(request).status_code == status
    known = method if method in {"GET", "POST"} else "other"
    assert more(before, "http_requests_total", "response_time_seconds_count") == {
        ("http_requests_total", known, route, str(status)): 1,
        ("response_time_seconds_count", route): 1,
    }
