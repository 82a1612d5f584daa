"""Notes for the timeline of a message: what each try came to (docs/timeline.md).

A try that succeeds is told of in the event that it ends with anyway. Only what fails costs a row.
"""

from datetime import timedelta
from typing import Any

from khronos.bus import events
from khronos.models import Delivery, Note, Turn
from khronos.models.event import Event

ALL_UP_TO = 4  # then the 8th, the 16th, …: a long outage must not fill the table


def put_off(work: Turn | Delivery, after: timedelta, reason: str) -> None:
    """In the transaction that puts it off."""
    if work.fence <= ALL_UP_TO or work.fence.bit_count() == 1:
        kind = Note.TURN_PUT_OFF if isinstance(work, Turn) else Note.DELIVERY_PUT_OFF
        add(kind, work, after_s=round(after.total_seconds(), 3), reason=reason[:300])


def buried(turn: Turn, reason: str) -> None:
    add(Note.TURN_BURIED, turn, reason=reason[:300])


def add(kind: Note, work: Turn | Delivery, **known: Any) -> None:
    fact: Event = events.make(
        kind,
        key=f"{kind}:{work.pk}:{work.fence}",
        **work.ids,
        conversation=work.conversation,
        payload={f"{work._meta.model_name}_id": work.pk} | work.effort | known,
    )
    fact.published_at = fact.timestamp  # there is nobody to tell
    events.record([fact])
