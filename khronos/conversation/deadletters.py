"""Work that is given up is kept whole, where an operator reads and replays it."""

from typing import Any

from khronos.bus.streams import Entry
from khronos.models import DeadLetter, Update


def bury_entry(entry: Entry) -> None:
    """An entry is a doorbell: when its update was dispatched meanwhile, nothing is lost with it."""
    kind, _, number = entry.fields.get("idempotency_key", "").partition(":")
    if kind == "received" and number.isdecimal() and not Update.objects.waiting().filter(pk=number).exists():
        return
    keep(
        DeadLetter.Source.STREAM,
        entry.stream,
        entry.id,
        "handler failed too often",
        payload=dict(entry.fields),
        attempts=entry.tries,
        trace_id=entry.fields.get("trace_id", ""),
    )


def keep(
    source: DeadLetter.Source,
    name: str,
    key: str,
    reason: str,
    *,
    payload: dict[str, Any] | None = None,
    attempts: int = 0,
    trace_id: str = "",
) -> None:
    DeadLetter.objects.update_or_create(
        source=source,
        name=name,
        key=key,
        defaults={
            "payload": payload or {},
            "reason": reason,
            "attempts": attempts,
            "trace_id": trace_id[:64],
            "replayed_at": None,
        },
    )
