"""What was paid today, by model: calls, tokens, money."""

from datetime import UTC
from typing import Any

from django.utils import timezone

from khronos.models import UsageDay
from khronos.usage.prices import in_currency, price_of


def look() -> dict[str, Any]:
    """Of today, in UTC."""
    today = UsageDay.objects.filter(day=timezone.now().astimezone(UTC).date())
    models = [told(row) for row in today.totals("model").order_by("-calls")]
    return {"models": models, "cost": round(sum(row["cost"] for row in models), 4) if models else None}


def told(row: Any) -> dict[str, Any]:
    return {
        "model": row["model"],
        "calls": row["calls"],
        "input_tokens": row["input_tokens"],
        "output_tokens": row["output_tokens"],
        "cost": round(float(in_currency(row["micros"])), 4),
        "is_priced": price_of(row["model"]) is not None,
    }
