"""What a call costs, in millionths: `micros("claude-sonnet-5-5", Tokens(1200, 300))` is 8100."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Tokens:
    into: int = 0  # all of them, with those of a cache
    out: int = 0
    cached_read: int = 0
    cached_write: int = 0


@dataclass(frozen=True, slots=True)
class Price:
    """Of a million tokens, which is that of one in millionths."""

    into: Decimal
    out: Decimal
    cached_read: Decimal
    cached_write: Decimal


def micros(model: str, tokens: Tokens) -> int:
    """By the default price where nobody has said what the model costs (settings/agents.py, PRICES)."""
    price = price_of(model) or default_price()
    fresh = max(0, tokens.into - tokens.cached_read - tokens.cached_write)
    cost = (
        fresh * price.into
        + tokens.cached_read * price.cached_read
        + tokens.cached_write * price.cached_write
        + tokens.out * price.out
    )
    return int(cost.to_integral_value(ROUND_HALF_UP))


@lru_cache(maxsize=128)
def price_of(model: str) -> Price | None:
    """Providers answer with a date behind the name: the longest name that it begins with counts."""
    known = [name for name in settings.PRICES if model == name or model.startswith(f"{name}-")]
    return made_of(settings.PRICES[max(known, key=len)]) if known else None


@lru_cache(maxsize=1)
def default_price() -> Price:
    return made_of(settings.DEFAULT_PRICE)


def made_of(words: tuple[str, ...]) -> Price:
    """In, out, and where they differ from "in": read from a cache, written to one."""
    into, out, *cached = (Decimal(word) for word in words)
    read, write = (*cached, into, into)[:2]
    return Price(into, out, read, write)


def in_currency(millionths: int) -> Decimal:
    return Decimal(millionths) / 1_000_000


def money(millionths: int) -> str:
    return f"{in_currency(millionths):.2f} {settings.PRICE_CURRENCY}"
