"""What a call costs, and who says so."""

from typing import Any

import pytest
from pytest_django import Settings

from khronos.usage.prices import Tokens, default_price, micros, price_of
from settings.env import Environment


def environment(prices: str) -> Environment:
    said: dict[str, Any] = {"model_prices": prices}
    return Environment(**said)


@pytest.mark.parametrize(
    ("model", "cost"),
    [
        ("claude-sonnet-5-5", 8100),
        ("claude-sonnet-5-5-20261001", 8100),
        ("gpt-5-mini", 900),
        ("gpt-5-mini-2026-08-07", 900),
    ],
)
def test_a_call_has_the_price_of_the_longest_name_that_fits(model: str, cost: int) -> None:
    assert micros(model, Tokens(1200, 300)) == cost
    assert price_of(model) is not None


@pytest.mark.parametrize("model", ["claude-sonnet-5", "somebody-elses"])
def test_a_model_that_nobody_priced_costs_the_default_price(model: str) -> None:
    assert price_of(model) is None
    assert micros(model, Tokens(1200, 300)) == 1200 * 5 + 300 * 25


def test_what_a_cache_held_has_its_own_price() -> None:
    tokens = Tokens(into=1000, out=100, cached_read=600, cached_write=300)
    assert micros("claude-sonnet-5-5", tokens) == 100 * 3 + 600 * 0.3 + 300 * 3.75 + 100 * 15


def test_where_no_price_of_a_cache_is_said_it_is_that_of_the_input(settings: Settings) -> None:
    settings.PRICES = {"plain": ("2", "4")}
    price_of.cache_clear()
    assert micros("plain", Tokens(into=100, out=10, cached_read=90)) == 240
    price_of.cache_clear()


def test_parts_of_a_millionth_are_rounded() -> None:
    assert micros("gpt-5-nano", Tokens(into=9)) == 0
    assert micros("gpt-5-nano", Tokens(into=11)) == 1


def test_the_environment_adds_prices() -> None:
    said = environment("mine = 0.5/1.5, other=1/2/0.1/1.2")
    assert said.model_prices == {"mine": ("0.5", "1.5"), "other": ("1", "2", "0.1", "1.2")}


@pytest.mark.parametrize("text", ["mine", "mine=1", "mine=1/b", "=1/2", "mine=1/2/3/4/5", "mine=-1/2"])
def test_a_price_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="has no price such as"):
        environment(text)


def test_the_default_price_is_the_dearest() -> None:
    assert default_price() == price_of("claude-opus-5-5")
