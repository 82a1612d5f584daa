"""Notes for colleagues, as the timeline of a conversation shows them."""

from dataclasses import dataclass
from datetime import datetime

from khronos.models import Conversation, Remark

MOST = 1000


@dataclass(slots=True)
class Noted:
    remark: Remark
    at: datetime
    begins_day: bool = False
    trace_id = ""
    is_event = False
    is_note = True


def noted_of(conversation: Conversation, start: datetime | None, end: datetime | None) -> list[Noted]:
    rows = Remark.objects.filter(conversation=conversation).select_related("operator").order_by("-pk")
    if start:
        rows = rows.filter(created_at__gte=start)
    if end:
        rows = rows.filter(created_at__lt=end)
    return [Noted(row, row.created_at) for row in rows[:MOST]]
