"""What operators are shown of breakers, limits, caches and pools; strangers are shown nothing."""

import time
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from bench.patience import until
from khronos.guards.breakers import breaker
from khronos.guards.limits import limiter
from khronos.intake import channels
from khronos.models import Channel
from tests.factories import make_user

ADDRESSES = ("/breakers/status", "/limiter/stats", "/cache/stats", "/pool/stats")
TOKEN = "token-of-the-tests"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]


@pytest.fixture(autouse=True)
def token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


def shown(address: str) -> dict[str, Any]:
    response = Client().get(address, headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200
    said: dict[str, Any] = response.json()
    return said


@pytest.mark.parametrize("address", ADDRESSES)
def test_strangers_are_refused_and_told_the_way_in(address: str) -> None:
    for headers in ({}, {"Authorization": "Bearer guess"}):
        response = Client().get(address, headers=headers)
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert list(response.json()) == ["error"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_staff_need_no_token(address: str) -> None:
    client = Client()
    client.force_login(make_user(is_staff=True))
    assert client.get(address).status_code == 200


def test_breakers_are_shown_before_they_were_ever_used_and_when_they_open() -> None:
    names = {"anthropic", "openai", "transcriber", "embedder", "telegram", "database"}
    assert set(shown("/breakers/status")) == names
    assert shown("/breakers/status")["telegram"]["state"] == "closed"
    began = time.monotonic()
    breaker("telegram").force_open()
    said = shown("/breakers/status")["telegram"]
    assert said["state"] == "open"
    assert said["probe_in_s"] + time.monotonic() - began > 29
    assert said["probe_in_s"] <= 30


def test_limits_show_what_is_used_and_who_is_paused(telegram: Channel, settings: Settings) -> None:
    settings.PROVIDER_REQUESTS_PER_MINUTE, settings.TELEGRAM_SPACING_MS = {"anthropic": 50}, 35
    bot = f"telegram:bot:{telegram.token.partition(':')[0]}"
    began = time.monotonic()
    limiter().pause(bot, 30)
    limits = shown("/limiter/stats")["limits"]
    assert set(limits) == {"anthropic:requests", bot}
    assert limits[bot]["paused_s"] + time.monotonic() - began > 29
    assert limits[bot]["paused_s"] <= 30


def test_a_limit_that_nobody_has_asked_yet_shows_what_it_allows(settings: Settings) -> None:
    settings.PROVIDER_REQUESTS_PER_MINUTE, settings.PROVIDER_CONCURRENCY = {"openai": 500}, {"openai": 20}
    limits = shown("/limiter/stats")["limits"]
    assert {name: (each["used"], each["limit"]) for name, each in limits.items()} == {
        "openai:requests": (0, 500),
        "openai:seats": (0, 20),
    }


def test_caches_are_shown_before_they_were_ever_used() -> None:
    assert set(shown("/cache/stats")) == {"channels", "grants", "tools", "answers", "knowledge", "documented"}


def test_channels_are_read_once_and_again_after_a_change(telegram: Channel) -> None:
    channels.lookup("default")
    assert until(lambda: shown("/cache/stats")["channels"]["listening_s"] is not None, 20)
    channels.forget()
    before = shown("/cache/stats")["channels"]
    for _ in range(3):
        assert channels.listening("default", "telegram").name == telegram.name
    Channel.objects.update(name="Renamed")
    channels.forget("default")
    assert channels.listening("default", "telegram").name == "Renamed"
    after = shown("/cache/stats")["channels"]
    assert after["computes"] - before["computes"] == 2
    assert after["hits_local"] - before["hits_local"] == 2


def test_pools_show_how_full_they_are() -> None:
    pools = shown("/pool/stats")
    assert {"redis.quick", "redis.patient"} <= set(pools)
    assert all(pool["in_use"] <= pool["most"] for pool in pools.values())
