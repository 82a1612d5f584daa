"""The newest rows of big tables. Their times have no index, their numbers have: the first is searched for."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

SLACK = timedelta(minutes=1)  # rows are numbered a little before or after they are timed
STRIDE = 1000  # rows; a floor need not be more exact


def newer_than(rows: QuerySet[Any], field: str, length: timedelta) -> QuerySet[Any]:
    start = timezone.now() - length
    first = floor(rows.model._default_manager.all(), field, start - SLACK)
    return rows.filter(**{f"{field}__gte": start}, pk__gte=first)


def floor(rows: QuerySet[Any], field: str, start: datetime) -> int:
    """A number below which every one of these rows is older than `start`, by halving."""
    rows = rows.order_by("pk")
    low = rows.values_list("pk", flat=True).first() or 0
    high = rows.reverse().values_list("pk", flat=True).first() or 0
    while high - low > STRIDE:
        middle = (low + high) // 2
        moment = rows.filter(pk__gte=middle).values_list(field, flat=True).first()
        if moment is not None and moment < start:
            low = middle
        else:
            high = middle
    return low
