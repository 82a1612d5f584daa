"""Work that is given up is kept whole, where an operator reads and replays it."""

from khronos.bus.events import update_of
from khronos.bus.streams import Entry
from khronos.models import DeadLetter, Update
from khronos.models.deadletter import keep


def bury_entry(entry: Entry) -> None:
    """An entry is a doorbell: when its update was dispatched meanwhile, nothing is lost with it."""
    update = update_of(entry.fields.get("idempotency_key", ""))
    if update and not Update.objects.waiting().filter(pk=update).exists():
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
