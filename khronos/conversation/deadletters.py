"""Work that is given up is kept whole, where an operator reads and replays it."""

from khronos.bus.streams import Entry
from khronos.models import DeadLetter, Update
from khronos.models.deadletter import keep

__all__ = ["bury_entry", "keep"]


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
