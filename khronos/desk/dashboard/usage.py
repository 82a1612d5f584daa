"""What the models were asked for today, by model: tokens, and money where the price is known."""

from typing import Any

from django.db.models import Count, Sum
from django.utils import timezone

from khronos.desk.newest import SLACK, floor
from khronos.models import Turn
from khronos.usage.prices import cost


def look() -> dict[str, Any]:
    """Of turns that began today, in UTC."""
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    first = floor(Turn.objects.all(), "created_at", midnight - SLACK)
    today = Turn.objects.filter(pk__gte=first, created_at__gte=midnight).exclude(model="")
    sums = today.values("model").annotate(
        turns=Count("pk"), input_tokens=Sum("input_tokens"), output_tokens=Sum("output_tokens")
    )
    models: list[dict[str, Any]] = [{**row, "cost": price(**row)} for row in sums.order_by("-turns")]
    known = [row["cost"] for row in models if row["cost"] is not None]
    return {"models": models, "cost": round(sum(known), 4) if known else None}


def price(model: str, input_tokens: int, output_tokens: int, **_others: int) -> float | None:
    """In US dollars; None where nobody has said what the model costs."""
    found = cost(model, input_tokens, output_tokens)
    return None if found is None else round(float(found), 4)
