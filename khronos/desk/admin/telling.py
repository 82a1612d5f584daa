"""What Khronos did in a conversation, as its timeline tells it: events, and calls of tools."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from khronos.desk import calls
from khronos.desk.admin import columns
from khronos.desk.lengths import exact
from khronos.models import Conversation, Event, ToolCall

EVENTS_MAX = 1000
TELLING = ("target", "intent", "provider", "model", "reason", "by")  # of an event's payload


@dataclass(slots=True)
class Told:
    """An event, or a call of a tool."""

    key: str
    url: str
    at: datetime
    text: str
    tone: str
    trace_id: str
    begins_day: bool = False
    offset: str = ""
    is_event = True


def told_of(conversation: Conversation, start: datetime | None, end: datetime | None) -> list[Told]:
    told = [tell(event) for event in events(conversation, start, end)]
    return told + [tell_call(call) for call in calls_of(conversation, start, end)]


def events(conversation: Conversation, start: datetime | None, end: datetime | None) -> Iterable[Event]:
    rows = Event.objects.filter(conversation_id=conversation.pk).order_by("-pk")
    if start:
        rows = rows.filter(timestamp__gte=start)
    if end:
        rows = rows.filter(timestamp__lt=end)
    return rows[:EVENTS_MAX]


def tell(event: Event) -> Told:
    tone = "danger" if event.type == Event.Type.MESSAGE_FAILED else ""
    page = columns.page_of(Event, event.pk)
    return Told(f"event-{event.pk}", page, event.timestamp, wording(event), tone, event.trace_id)


def calls_of(conversation: Conversation, start: datetime | None, end: datetime | None) -> Iterable[ToolCall]:
    rows = ToolCall.objects.filter(turn__conversation=conversation).select_related("turn").order_by("-pk")
    if start:
        rows = rows.filter(created_at__gte=start)
    if end:
        rows = rows.filter(created_at__lt=end)
    return rows[:EVENTS_MAX]


def tell_call(call: ToolCall) -> Told:
    text = calls.wording(call)
    if call.duration_ms:
        text += f" · {exact(call.duration_ms / 1000)}"
    at = call.ended_at or call.started_at or call.created_at
    tone = calls.TONES.get(call.state, "")
    page = columns.page_of(ToolCall, call.pk)
    return Told(f"call-{call.pk}", page, at, text, tone, call.turn.trace_id)


def wording(event: Event) -> str:
    about = event.payload if isinstance(event.payload, dict) else {}
    text = {
        Event.Type.MESSAGE_RECEIVED.value: _("received"),
        Event.Type.HANDOFF_REQUESTED.value: _("routed"),
        Event.Type.RESPONSE_GENERATED.value: _("answer written"),
        Event.Type.MESSAGE_SENT.value: _("sent"),
        Event.Type.MESSAGE_FAILED.value: _("could not be sent"),
        Event.Type.HANDOFF_ACCEPTED.value: _("taken by a person"),
        Event.Type.CONVERSATION_CLOSED.value: _("closed"),
    }.get(event.type, event.type)
    if event.type == Event.Type.HANDOFF_REQUESTED and about.get("by") == "contact":
        is_back = about.get("target") == "agent.ai"
        text = _("the contact went back to the assistant") if is_back else _("the contact called a person")
    told = [str(about[name]) for name in TELLING if about.get(name)]
    return f"{text}: {', '.join(told)}" if told else text
