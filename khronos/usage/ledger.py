"""The ledger: rows of what was paid, and their sums by day, in the transaction of whoever writes."""

from collections.abc import Sequence
from datetime import UTC

from django.conf import settings
from django.db.models.functions import Now

from khronos.models import Usage, UsageDay
from khronos.models.forgetting import forget_slices
from khronos.models.lease import holder
from khronos.models.prepared import insert_once
from khronos.models.usage import FIGURES


def write(rows: Sequence[Usage]) -> None:
    """Once, however often it is asked: whoever tries again counts nothing twice."""
    for row in rows:
        if insert_once(row):
            UsageDay.objects.add(key_of(row), 1, {name: getattr(row, name) for name in FIGURES})


def forget_old() -> int:
    """Single calls; the sums by day stay."""
    return forget_slices(Usage.objects.filter(at__lt=Now() - settings.USAGE_KEPT), "at", forget)


def forget(ids: list[int]) -> int:
    rows = Usage.objects.filter(pk__in=ids)
    return rows._raw_delete(rows.db)


def key_of(row: Usage) -> dict[str, object]:
    return {
        "tenant_id": row.tenant_id,
        "day": row.at.astimezone(UTC).date(),
        "agent": row.agent,
        "provider": row.provider,
        "model": row.model,
        "kind": row.kind,
        "writer": holder(),
    }
