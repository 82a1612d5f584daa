"""What an answer costs: `cost("claude-sonnet-5-5", 1200, 300)` is 0.0081 US dollars."""

from decimal import Decimal
from functools import lru_cache

from django.conf import settings

MILLION = 1_000_000


def cost(model: str, input_tokens: int, output_tokens: int) -> Decimal | None:
    """None where nobody has said what the model costs (settings/agents.py, PRICES)."""
    price = price_of(model)
    if price is None:
        return None
    return (input_tokens * price[0] + output_tokens * price[1]) / MILLION


@lru_cache(maxsize=128)
def price_of(model: str) -> tuple[Decimal, Decimal] | None:
    """Providers answer with a date behind the name: the longest name that it begins with counts."""
    known = [name for name in settings.PRICES if model == name or model.startswith(f"{name}-")]
    if not known:
        return None
    into, out = settings.PRICES[max(known, key=len)]
    return Decimal(into), Decimal(out)
