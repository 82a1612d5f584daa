"""Read a conversation with a cursor: each message once, and again when edited (docs/web-channel.md).

Messages of one conversation are written by several processes, and on PostgreSQL a smaller id may appear
after a larger one. So the cursor names the messages of the last moments that it has given, and what is
older is known by one id.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from khronos.models import Message, Turn, Update

LATE_MS = 30_000  # no message appears later than this after its creation: no transaction is as long
PAGE = 100
EDITS_AMONG = 200  # the latest messages; an edit of an older one is seen by a new reader only
LONGEST = 10_000  # characters of a cursor


@dataclass(frozen=True, slots=True)
class Cursor:
    """`floor`: all up to this id was given. `given`: above it, or lately edited; id and time of the edit."""

    floor: int = 0
    read_ms: int = 0
    given: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises ValueError for what is no cursor."""
        if not text:
            return cls()
        if len(text) > LONGEST or not text.isascii():
            raise ValueError(f"no cursor of ours: {text[:40]!r}")
        floor, _, rest = text.partition(".")
        read_ms, *pairs = rest.split(".")
        given = (pair.partition("e") for pair in pairs)
        return cls(natural(floor), natural(read_ms), {natural(pk): natural(edit) for pk, _, edit in given})

    def __str__(self) -> str:
        pairs = [f"{pk}e{edit}" for pk, edit in sorted(self.given.items())]
        return ".".join([str(self.floor), str(self.read_ms), *pairs])


@dataclass(frozen=True, slots=True)
class Page:
    messages: list[Message]
    next: Cursor
    more: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "messages": [shown(message) for message in self.messages],
            "next": str(self.next),
            "more": self.more,
        }


def natural(text: str) -> int:
    if not text.isdigit() or len(text) > 18:
        raise ValueError(f"no cursor of ours: {text[:40]!r}")
    return int(text)


def read(conversation: UUID, after: Cursor, *, now: float | None = None) -> Page:
    now = time.time() if now is None else now
    spoken = Message.objects.filter(conversation=conversation)
    latest = spoken.order_by("-pk")[:EDITS_AMONG].values("pk")
    edited = spoken.filter(
        pk__in=latest, pk__lte=after.floor, edited_at__gt=instant(after.read_ms - LATE_MS)
    ).order_by("pk")
    rows = [*edited, *spoken.filter(pk__gt=after.floor).order_by("pk")[: 2 * PAGE + 1]]
    found = [row for row in rows if after.given.get(row.pk) != edit_ms(row)]
    messages = found[:PAGE]
    more = len(found) > PAGE
    known = [row for row in rows if row.pk <= messages[-1].pk] if more else rows
    return Page(messages, advanced(after, known, int(now * 1000)), more)


def newest(conversation: UUID) -> Cursor:
    """Where a reader begins who wants no more than the last page."""
    rows = Message.objects.filter(conversation=conversation).order_by("-pk").values_list("pk", flat=True)
    edits_from_now_on = int(time.time() * 1000) + LATE_MS
    return Cursor(floor=rows[PAGE : PAGE + 1].first() or 0, read_ms=edits_from_now_on)


def advanced(after: Cursor, known: list[Message], now_ms: int) -> Cursor:
    """Raise the floor to where nothing can slip in below any more; remember the rest by name."""
    settled = instant(now_ms - LATE_MS)
    given = dict(after.given) | {message.pk: edit_ms(message) for message in known}
    old = [message.pk for message in known if message.created_at < settled]
    floor = max([after.floor, *old, *sorted(given)[:-PAGE]])
    kept = {pk: edit for pk, edit in given.items() if pk > floor or edit >= now_ms - LATE_MS - 1}
    return Cursor(floor, now_ms, dict(sorted(kept.items())[-2 * PAGE :]))


def instant(ms: int) -> datetime:
    return datetime.fromtimestamp(max(ms, 0) / 1000, UTC)


def edit_ms(message: Message) -> int:
    return int(message.edited_at.timestamp() * 1000) if message.edited_at else 0


def shown(message: Message) -> dict[str, Any]:
    return {
        "id": message.pk,
        "message_id": message.external_id,
        "author": message.author,
        "text": message.text,
        "content": message.content,
        "files": named(message.media),
        "buttons": [{"text": text, "data": data} for text, data in message.media.get("buttons", ())],
        "at": moment(message.created_at),
        "edited": moment(message.edited_at) if message.edited_at else None,
    }


def named(media: Mapping[str, Any]) -> list[str]:
    """What is attached, as its sender calls it."""
    files = [media, *media.get("more", ())] if media.get("file_id") else []
    return [file.get("file_name") or file["kind"] for file in files]


def moment(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_thinking(conversation: UUID) -> bool:
    """An answer is on its way: something waits to be dispatched, or a turn is not settled."""
    return (
        Turn.objects.unsettled().filter(conversation=conversation).exists()
        or Update.objects.waiting().filter(conversation_id=conversation).exists()
    )
