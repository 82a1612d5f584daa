"""Breakers and limits where they are used: nobody is asked in vain or too often, and nothing is dropped."""

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from bench.patience import until
from bench.simulator import Simulator
from khronos.channels import transport_of
from khronos.conversation import turn as turns
from khronos.conversation.holding import typing_shown
from khronos.conversation.patience import token_of, wake
from khronos.conversation.phrases import phrase
from khronos.guards.breakers import breaker, guarded
from khronos.guards.limits import limiter, seat
from khronos.models import Alert, Channel, Conversation, Delivery, Event, Message, Tenant, Turn, Update
from tests.factories import make_channel
from tests.integration import way
from tests.integration.test_intake import post, update
from tests.stopwatch import Stopwatch

pytestmark = pytest.mark.usefixtures("bus")
ANA, BEN = 7, 8


def asked(sim: Simulator) -> int:
    return len(sim.models.calls())


def sent_to(sim: Simulator) -> list[int | None]:
    return [call.chat_id for call in sim.telegram.calls("sendMessage") if call.done]


def waits_s(delivery: Delivery) -> float:
    assert delivery.due_at is not None
    return (delivery.due_at - delivery.created_at).total_seconds()


def people(sim: Simulator, telegram: Channel, *chats: int) -> None:
    for chat in chats:
        sim.telegram.say(chat, "hi")
    way.fetch(telegram)
    way.dispatch()


# Breakers


def test_model_that_fails_is_left_alone_and_everybody_is_answered_when_it_is_back(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    sim.models.fail(status=529)
    people(sim, telegram, *range(1, 11))
    for turn in Turn.objects.order_by("pk"):
        turns.take(turn.pk)
    assert asked(sim) == settings.BREAKER_LEAST_CALLS
    assert breaker("anthropic").snapshot().state == "open"
    assert Turn.objects.filter(state=Turn.State.PARKED).count() == 10
    assert Alert.objects.filter(name="breaker.anthropic", resolved_at=None).count() == 1
    sim.models.heal()
    breaker("anthropic").reset()
    way.hurry()
    way.answer()
    for chat in range(1, 11):
        assert sim.telegram.answers(chat) == [phrase("wait", "en"), "You said: hi"]
    assert Alert.objects.filter(name="breaker.anthropic", resolved_at=None).count() == 0
    changes = Event.objects.filter(type="resilience.breaker.changed").order_by("pk")
    assert [change.payload["after"] for change in changes] == ["open", "closed"]


def test_second_model_answers_while_the_breaker_of_the_first_is_open(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.OPENAI_API_KEY = "sk-simulated"
    breaker("anthropic").force_open()
    people(sim, telegram, ANA)
    way.answer()
    assert sim.telegram.answers(ANA) == ["You said: hi"]
    assert Turn.objects.get().provider == "openai"
    assert asked(sim) == 1


def test_what_is_our_own_fault_opens_no_breaker(telegram: Channel, sim: Simulator) -> None:
    sim.models.fail(status=400)
    people(sim, telegram, *range(1, 11))
    for turn in Turn.objects.order_by("pk"):
        turns.take(turn.pk)
    assert asked(sim) == 10
    assert breaker("anthropic").snapshot().state == "closed"


def test_answers_wait_unsent_while_telegram_is_left_alone(telegram: Channel, sim: Simulator) -> None:
    breaker("telegram").force_open()
    people(sim, telegram, ANA)
    way.answer()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.doubtful, sent_to(sim)) == (Delivery.State.PENDING, False, [])
    breaker("telegram").reset()
    way.hurry()
    way.answer()
    assert sim.telegram.answers(ANA) == ["You said: hi"]


def test_database_known_to_be_away_is_not_asked_and_telegram_comes_again(telegram: Channel) -> None:
    breaker("database").force_open()
    with CaptureQueriesContext(connection) as asked_of:
        assert post(update(1)) == 503
    assert len(asked_of) == 0
    breaker("database").reset()
    assert post(update(1)) == 200
    assert Update.objects.count() == 1


def test_absent_database_is_no_outage_of_another_service(bus: object) -> None:
    for _ in range(10):
        with pytest.raises(OperationalError), guarded("telegram"):
            raise OperationalError("a note could not be made")
    shown = breaker("telegram").snapshot()
    assert (shown.state, shown.calls) == ("closed", 0)


# Limits of Telegram


def test_messages_of_a_bot_leave_so_far_apart(telegram: Channel, sim: Simulator, settings: Settings) -> None:
    settings.TELEGRAM_SPACING_MS = 10_000
    people(sim, telegram, 1, 2, 3)
    way.answer()
    assert len(sent_to(sim)) == 1
    waiting = Delivery.objects.filter(state=Delivery.State.PENDING).order_by("pk")
    assert [round(waits_s(each), -1) for each in waiting] == [10, 20]
    assert {each.reason for each in waiting} == {f"waits for telegram:bot:{telegram.token.partition(':')[0]}"}
    assert not any(each.doubtful for each in waiting)


def test_busy_chat_delays_no_other(telegram: Channel, sim: Simulator, settings: Settings) -> None:
    settings.TELEGRAM_CHAT_SPACING_MS = 10_000
    people(sim, telegram, ANA)
    way.answer()
    people(sim, telegram, ANA, BEN)
    way.answer()
    assert sent_to(sim) == [ANA, BEN]
    waiting = Delivery.objects.get(state=Delivery.State.PENDING)
    assert waiting.conversation.chat_id == str(ANA)


def test_429_pauses_the_whole_bot_for_as_long_as_telegram_says(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.TELEGRAM_SPACING_MS = 1
    sim.telegram.fail(status=429, method="sendMessage", retry_after=30, count=1)
    with Stopwatch() as watch:
        people(sim, telegram, ANA, BEN)
        way.answer()
    assert sent_to(sim) == []
    assert len(sim.telegram.calls("sendMessage")) == 1
    waits = [waits_s(each) for each in Delivery.objects.all()]
    assert len(waits) == 2
    assert 28 - watch.stood_s < min(waits) <= max(waits) < 32 + watch.stood_s


def test_429_to_the_sign_of_typing_pauses_the_whole_bot_too(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.TELEGRAM_SPACING_MS, settings.TYPING_AFTER_S, settings.TYPING_EVERY_S = 1, 0, 0.05
    sim.telegram.fail(status=429, method="sendChatAction", retry_after=30, count=1)
    people(sim, telegram, ANA)
    with Stopwatch() as watch:
        with typing_shown(Turn.objects.get()):
            budget = [transport_of(telegram).budget]
            assert until(lambda: any(each.paused_s for each in limiter().snapshot(budget)), 10)
            assert not until(lambda: len(sim.telegram.calls("sendChatAction")) > 1, 0.3)
        way.answer()
    assert sent_to(sim) == []
    assert 28 - watch.stood_s < waits_s(Delivery.objects.get()) < 32


def test_edit_mode_asks_for_the_placeholder_and_for_its_filling(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.TELEGRAM_SPACING_MS = 10_000
    Channel.objects.update(delivery_mode=Channel.DeliveryMode.EDIT)
    people(sim, telegram, ANA)
    way.answer()
    assert len(sim.telegram.calls("sendMessage")) == 1
    assert len(sim.telegram.calls("editMessageText")) == 0
    assert Delivery.objects.get().external_id != ""


# Limits of the models


def test_who_finds_no_seat_waits_untold_and_is_woken_when_one_is_free(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.PROVIDER_CONCURRENCY = {"anthropic": 1}
    people(sim, telegram, ANA)
    turn = Turn.objects.get()
    woken: list[str] = []
    with seat("anthropic", "somebody", woken.extend):
        turns.take(turn.pk)
        turn.refresh_from_db()
        assert (turn.state, turn.apologised, asked(sim)) == (Turn.State.PARKED, False, 0)
    assert woken == [token_of(turn.pk)]
    assert (turn.attempts, turn.deferrals) == (0, 0)  # nobody was asked: no try
    wake(woken)
    way.answer()
    assert sim.telegram.answers(ANA) == ["You said: hi"]


def test_waking_others_costs_nobody_an_answer(
    telegram: Channel, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(**_: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(Turn.objects, "filter", absent)
    wake([token_of(1)])


def test_requests_of_a_minute_are_not_exceeded(telegram: Channel, sim: Simulator, settings: Settings) -> None:
    settings.PROVIDER_REQUESTS_PER_MINUTE, settings.CHOSEN_CEILINGS = {"anthropic": 3}, {"anthropic"}
    people(sim, telegram, *range(1, 6))
    way.answer()
    assert asked(sim) == 3
    late = Turn.objects.filter(state=Turn.State.PARKED)
    assert late.count() == 2
    assert all(turn.apologised for turn in late)  # a minute is worth a word
    way.answer()
    assert asked(sim) == 3


def test_limit_is_lowered_and_raised_by_what_the_provider_says(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.PROVIDER_REQUESTS_PER_MINUTE = {"anthropic": 50}
    for said in (2, 70):
        sim.models.limit("anthropic", per_minute=said, enforced=False)
        people(sim, telegram, said)
        way.answer()
        assert limiter().snapshot(["anthropic:requests"])[0].learned == said
    settings.CHOSEN_CEILINGS = {"anthropic"}
    people(sim, telegram, ANA)
    way.answer()
    assert limiter().snapshot(["anthropic:requests"])[0].learned == 50


def test_429_of_a_model_keeps_everybody_from_asking_for_so_long(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.PROVIDER_REQUESTS_PER_MINUTE = {"anthropic": 1000}
    sim.models.fail(status=429, retry_after=30, count=1)
    people(sim, telegram, ANA, BEN)
    for turn in Turn.objects.order_by("pk"):
        turns.take(turn.pk)
    assert asked(sim) == 1
    assert breaker("anthropic").snapshot().failures == 0
    assert limiter().snapshot(["anthropic:requests"])[0].paused_s > 28


# Limits of people


def test_contact_who_says_too_much_is_told_once_and_answered_later(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.CONTACT_MESSAGES_PER_MINUTE = 5
    people(sim, telegram, *[ANA] * 8)
    way.answer()
    assert sim.telegram.answers(ANA) == [phrase("slowly", "en")]
    assert asked(sim) == 0
    people(sim, telegram, ANA, BEN)
    way.answer()
    assert sim.telegram.answers(ANA) == [phrase("slowly", "en")]
    assert sim.telegram.answers(BEN) == ["You said: hi"]
    way.hurry()
    way.answer()
    assert len(sim.telegram.answers(ANA)) >= 2
    assert Message.objects.filter(author=Message.Author.CONTACT, turn=None).count() == 0
    assert Conversation.objects.count() == 2


def test_guesses_of_the_secret_are_slowed_down_and_the_right_one_is_not(
    telegram: Channel, settings: Settings
) -> None:
    settings.WRONG_SECRETS_PER_MINUTE = 3
    wrong = {"X-Telegram-Bot-Api-Secret-Token": "wrong"}
    assert [post(update(1), wrong) for _ in range(5)] == [403, 403, 403, 429, 429]
    assert post(update(1)) == 200


def test_flood_of_a_visitor_is_told_when_to_come_back(db: None, settings: Settings) -> None:
    make_channel(slug="chat", kind="web", secret="hush")
    settings.ADDRESS_REQUESTS_PER_MINUTE = 2
    settings.TRUSTED_PROXIES = 1
    answers = [
        Client().post("/chat/messages", headers={"X-Forwarded-For": f"6.6.6.6, {visitor}"})
        for visitor in ("1.2.3.4", "1.2.3.4", "1.2.3.4", "5.6.7.8")
    ]
    assert [answer.status_code == 429 for answer in answers] == [False, False, True, False]
    assert 0 < int(answers[2].headers["Retry-After"]) <= 60


# Answers that are reused


def test_same_question_is_thought_about_once_where_the_tenant_allows_it(
    telegram: Channel, sim: Simulator
) -> None:
    people(sim, telegram, ANA, BEN)
    way.answer()
    assert asked(sim) == 2  # not by default
    Tenant.objects.update(reuses_answers=True)
    people(sim, telegram, 21, 22, 23)
    way.answer()
    assert asked(sim) == 3
    assert {sim.telegram.answers(chat)[0] for chat in (21, 22, 23)} == {"You said: hi"}
    spent = Turn.objects.order_by("-pk").values_list("output_tokens", flat=True)[:3]
    assert sorted(tokens > 0 for tokens in spent) == [False, False, True]


def test_another_question_or_another_past_is_another_prompt(telegram: Channel, sim: Simulator) -> None:
    Tenant.objects.update(reuses_answers=True)
    people(sim, telegram, ANA)
    way.answer()
    sim.telegram.say(BEN, "bye")
    people(sim, telegram, ANA)
    way.answer()
    assert asked(sim) == 3
