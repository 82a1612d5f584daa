"""The ledger: rows of what was paid, and their sums by day, in the transaction of whoever writes."""

import time
from collections.abc import Sequence
from datetime import UTC
from functools import partial

from django.conf import settings
from django.db.models.functions import Now

from khronos.models import Usage, UsageDay
from khronos.models.commit import commit
from khronos.models.lease import holder
from khronos.models.prepared import insert_once
from khronos.models.update import FORGET_FOR_S, FORGET_SLICE
from khronos.models.usage import FIGURES


def write(rows: Sequence[Usage]) -> None:
    """Once, however often it is asked: whoever tries again counts nothing twice."""
    for row in rows:
        if insert_once(row):
            UsageDay.objects.add(key_of(row), 1, {name: getattr(row, name) for name in FIGURES})


def forget_old(most_s: float = FORGET_FOR_S) -> int:
    """Single calls; the sums by day stay. Slice by slice, each its own transaction."""
    until = time.monotonic() + most_s
    old = Usage.objects.filter(at__lt=Now() - settings.USAGE_KEPT)
    forgotten = 0
    while ids := list(old.order_by("at").values_list("pk", flat=True)[:FORGET_SLICE]):
        forgotten += commit(partial(forget, ids))
        if len(ids) < FORGET_SLICE or time.monotonic() >= until:
            break
    return forgotten


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
