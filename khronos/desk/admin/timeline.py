"""A conversation as it went: what was said, and between it what Khronos did, in the order of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Prefetch
from django.db.models.functions import Left
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from khronos.desk.admin import columns, files, sources
from khronos.desk.admin.noted import Noted, noted_of
from khronos.desk.admin.telling import Told, told_of
from khronos.desk.lengths import after, until, words
from khronos.models import Attachment, Conversation, Delivery, Message, Turn

PAGE = 200  # messages
BEGINNING_MAX = 300  # characters of a document

SIDES: dict[str, str] = {
    Message.Author.CONTACT: "left",
    Message.Author.BOT: "right",
    Message.Author.OPERATOR: "right",
    Message.Author.SYSTEM: "middle",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """What became of one part of an answer."""

    delivery: Delivery
    sign: str
    tone: str
    text: str

    @property
    def failed(self) -> bool:
        return self.delivery.state == Delivery.State.FAILED


@dataclass(frozen=True, slots=True)
class File:
    """What came with a message."""

    row: Attachment
    is_picture: bool
    url: str  # of its bytes, where they are kept
    beginning: str  # of a document's text

    @property
    def state(self) -> SafeString:
        return columns.state(self.row.state, self.row.get_state_display())


@dataclass(slots=True)
class Said:
    message: Message
    at: datetime
    side: str
    marks: list[Mark]
    turn: Turn | None
    trace_id: str
    files: Sequence[File] = ()
    begins_day: bool = False
    tells_turn: bool = False  # a turn is told of once, at its last message
    is_event = False

    @property
    def turn_state(self) -> SafeString:
        turn = self.turn
        return columns.state(turn.state, turn.get_state_display()) if turn else SafeString("")

    @property
    def sources(self) -> str:
        return sources.cited(self.message)

    @property
    def turn_facts(self) -> str:
        return facts(self.turn) if self.turn else ""


type Entry = Said | Told | Noted


@dataclass(frozen=True, slots=True)
class Timeline:
    entries: Sequence[Entry]
    earlier: int | None  # number of the oldest message here, when there are older ones
    is_newest: bool
    with_events: bool


def timeline(
    conversation: Conversation, before: int | None = None, with_events: bool = True, most: int = PAGE
) -> Timeline:
    found = list(messages(conversation, before)[: most + 1])
    more, page = len(found) > most, found[:most]
    said = [say(message) for message in reversed(page)]
    mark_last_of_turn(said)
    start = said[0].at if more else None
    end = end_of(conversation, before)
    told = told_of(conversation, start, end) if with_events else []
    measure(said, told)
    entries: list[Entry] = [*said, *told, *noted_of(conversation, start, end)]
    entries.sort(key=lambda entry: (entry.at, entry.is_event))
    mark_days(entries)
    return Timeline(entries, page[-1].pk if more else None, before is None, with_events)


def messages(conversation: Conversation, before: int | None) -> Any:
    deliveries = Prefetch("deliveries", Delivery.objects.order_by("part"), to_attr="parts")
    attachments = Prefetch("attachments", with_beginnings(), to_attr="files")
    rows = Message.objects.filter(conversation=conversation).order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return (
        rows.select_related("turn", "operator")
        .annotate(update_trace=F("update__trace_id"))
        .prefetch_related(deliveries, attachments)
    )


def with_beginnings() -> Any:
    """Nobody reads a whole document here."""
    rows = Attachment.objects.order_by("pk").defer("text")
    return rows.annotate(beginning=Left("text", BEGINNING_MAX))


def end_of(conversation: Conversation, before: int | None) -> datetime | None:
    """When the next page begins."""
    if before is None:
        return None
    rows = Message.objects.filter(conversation=conversation, pk__gte=before).order_by("pk")
    return rows.values_list("created_at", flat=True).first()


def say(message: Any) -> Said:
    turn: Turn | None = message.turn
    trace_id = message.update_trace or (turn.trace_id if turn else "")
    marks = [mark(delivery) for delivery in message.parts]
    attached = [file(row) for row in message.files]
    return Said(message, message.created_at, SIDES[message.author], marks, turn, trace_id, attached)


def file(row: Any) -> File:
    """What was spoken is the message's own text."""
    beginning = "" if row.kind in Attachment.SPOKEN else row.beginning
    return File(row, files.is_picture(row), files.address(row), beginning)


def mark(delivery: Delivery) -> Mark:
    state = delivery.state
    sign = {Delivery.State.SENT: "✓", Delivery.State.FAILED: "✗"}.get(Delivery.State(state), "…")
    text: str = delivery.get_state_display()
    if state == Delivery.State.PENDING and delivery.due_at:
        text = _("%(state)s, due %(when)s") % {"state": text, "when": until(delivery.due_at)}
    if delivery.reason:
        text = f"{text}: {delivery.reason}"
    return Mark(delivery, sign, columns.TONES.get(state, ""), text)


def mark_last_of_turn(said: Sequence[Said]) -> None:
    known: set[int] = set()
    for entry in reversed(said):
        if entry.turn and entry.turn.pk not in known:
            known.add(entry.turn.pk)
            entry.tells_turn = True


def facts(turn: Turn) -> str:
    """How long, by what, how much, why."""
    parts = []
    if turn.answered_at:
        parts.append(_("after %s") % words((turn.answered_at - turn.created_at).total_seconds()))
    if turn.thinking_ms:
        parts.append(_("thinking %s") % words(turn.thinking_ms / 1000))
    if turn.model or turn.provider:
        parts.append(turn.model or turn.provider)
    if turn.input_tokens or turn.output_tokens:
        parts.append(_("%(in)s + %(out)s tokens") % {"in": turn.input_tokens, "out": turn.output_tokens})
    if turn.attempts > 1:
        parts.append(_("%(n)s tries") % {"n": turn.attempts})
    if turn.reason:
        parts.append(turn.reason)
    return " · ".join(parts)


def measure(said: Sequence[Said], told: Sequence[Told]) -> None:
    """Each event's distance from the first thing known of its trace."""
    began: dict[str, datetime] = {}
    entries: list[Said | Told] = [*said, *told]
    for entry in entries:
        if entry.trace_id:
            began[entry.trace_id] = min(entry.at, began.get(entry.trace_id, entry.at))
    for event in told:
        start = began.get(event.trace_id, event.at)
        event.offset = after((event.at - start).total_seconds())


def mark_days(entries: Sequence[Entry]) -> None:
    last = None
    for entry in entries:
        day = timezone.localtime(entry.at).date()
        entry.begins_day, last = day != last, day
