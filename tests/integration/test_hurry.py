"""What was away is back: who waits for just that is due at once, who waits for something else is not."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db.models.functions import Now
from django.test import Client
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.conversation import sweep
from khronos.guards.breakers import breaker
from khronos.models import Channel, Delivery, Turn
from tasks import ops
from tests import factories as make
from tests.integration import way
from tests.integration.test_admin_channels import form, page_of

pytestmark = pytest.mark.usefixtures("bus")
KEY, TOKEN = "provider.anthropic.unauthorized", "channel.default.unauthorized"


def calls(bus: "redis.Redis") -> list[list[str]]:
    """For `hurry`, taken from the queue."""
    entries: Any = bus.lrange("ops", 0, -1)
    bus.delete("ops")
    letters = [json.loads(entry) for entry in entries]
    bodies = [each["body"] for each in letters if each["headers"]["task"] == "tasks.ops.hurry"]
    return [json.loads(base64.b64decode(body))[0] for body in bodies]


def ask(sim: Simulator, telegram: Channel, *chats: int) -> None:
    for chat in chats:
        sim.telegram.say(chat, "hi")
    way.fetch(telegram)
    way.dispatch()
    way.answer()


def parked(reason: str, telegram: Channel) -> int:
    conversation = make.make_conversation(channel=telegram)
    later = Now() + timedelta(minutes=5)
    return make.make_turn(conversation=conversation, state=Turn.State.PARKED, due_at=later, reason=reason).pk


def due() -> set[int]:
    return set(way.due())


@pytest.mark.django_db(transaction=True)
def test_mended_key_hurries_all_who_wait_for_it_once(
    telegram: Channel, sim: Simulator, bus: "redis.Redis"
) -> None:
    sim.models.require_keys(["another"])
    ask(sim, telegram, 1, 2, 3)
    assert {turn.reason.partition(": ")[0] for turn in Turn.objects.all()} == {KEY}
    assert (due(), calls(bus)) == (set(), [])
    sim.models.require_keys([])
    ask(sim, telegram, 4)
    ask(sim, telegram, 5)
    assert calls(bus) == [[KEY]]
    assert due() == set()
    ops.hurry(KEY)
    way.answer()
    for chat in range(1, 6):
        assert sim.telegram.answers(chat)[-1] == "You said: hi"
    assert Turn.objects.filter(state=Turn.State.ANSWERED).count() == 5
    assert calls(bus) == []


@pytest.mark.django_db
def test_service_that_is_back_wakes_those_alone_who_wait_for_it(telegram: Channel) -> None:
    overloaded = parked("anthropic: 529 Overloaded", telegram)
    left_alone = parked("openai: 500; anthropic: anthropic is left alone", telegram)
    for other in (
        "provider.anthropic.unauthorized: 401 invalid x-api-key",
        "anthropic is asked as often as it may be",
        "the contact says more than is answered in a minute",
        "openai: anthropic: said openai",
        "openai: 500",
    ):
        parked(other, telegram)
    sweep.hurry("anthropic")
    assert due() == {overloaded, left_alone}


@pytest.mark.django_db
def test_restart_wakes_all_that_is_parked(telegram: Channel) -> None:
    waiting = {parked(reason, telegram) for reason in ("anthropic: 529", f"{KEY}: 401", "says too much")}
    sweep.hurry()
    assert due() == waiting


@pytest.mark.django_db(transaction=True)
def test_breaker_that_closes_says_whom_to_wake(telegram: Channel, sim: Simulator, bus: "redis.Redis") -> None:
    breaker("anthropic").force_open()
    ask(sim, telegram, 1)
    turn = Turn.objects.get()
    assert turn.reason.startswith("anthropic: anthropic is left alone")
    breaker("anthropic").reset()
    assert calls(bus) == [["anthropic"]]
    ops.hurry("anthropic")
    assert due() == {turn.pk}


@pytest.mark.django_db(transaction=True)
def test_who_has_a_place_in_the_line_is_not_woken(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.PROVIDER_REQUESTS_PER_MINUTE, settings.CHOSEN_CEILINGS = {"anthropic": 1}, {"anthropic"}
    ask(sim, telegram, 1, 2)
    waiting = Turn.objects.get(state=Turn.State.PARKED)
    sweep.hurry("anthropic")
    assert due() == set()
    assert waiting.reason == "anthropic is asked as often as it may be"


@pytest.mark.django_db(transaction=True)
def test_token_that_works_again_hurries_the_answers_of_its_channel(
    telegram: Channel, sim: Simulator, bus: "redis.Redis"
) -> None:
    sim.telegram.fail(status=401, method="sendMessage", description="Unauthorized")
    ask(sim, telegram, 1, 2)
    assert {each.reason.partition(": ")[0] for each in Delivery.objects.all()} == {TOKEN}
    sim.heal()
    ask(sim, telegram, 3)
    ask(sim, telegram, 4)
    assert calls(bus) == [[TOKEN]]
    sweep.hurry("channel.another.unauthorized")
    assert not Delivery.objects.due().exists()
    sweep.hurry(TOKEN)
    way.answer()
    assert [sim.telegram.answers(chat) for chat in (1, 2, 3, 4)] == [["You said: hi"]] * 4


@pytest.mark.django_db(transaction=True)
def test_token_that_is_mended_in_the_admin_is_tried_at_once(
    telegram: Channel, sim: Simulator, client: Client
) -> None:
    client.force_login(make.make_user())
    good = telegram.token
    sim.telegram.say(1, "hi")
    way.fetch(telegram)
    Channel.objects.update(token="1:wrong")
    way.dispatch()
    way.answer()
    delivery = Delivery.objects.get()
    assert delivery.reason.startswith(f"{TOKEN}: ")
    telegram.refresh_from_db()
    assert client.post(page_of(telegram), form(telegram, name="Renamed")).status_code == 302
    assert not Delivery.objects.due().exists()
    assert client.post(page_of(telegram), form(telegram, token=good)).status_code == 302
    assert Delivery.objects.due().get() == delivery
    way.answer()
    assert sim.telegram.answers(1) == ["You said: hi"]
