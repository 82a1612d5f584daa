"""What of all that was attached goes before a model: the newest pictures, documents in a budget, words.

Pictures and pages are paid for again with each question. Of the questions and the last few messages before
them they are shown, of older ones only the words tell.
"""

import re
from collections.abc import Mapping, Sequence

from django.conf import settings

from khronos.agents.attached import NOTHING, Attached, Shown
from khronos.agents.providers.base import CHARS_PER_TOKEN, Image, Paper
from khronos.media import magic, reasons
from khronos.models import Attachment, Message
from khronos.models.attachment import of_messages

State, Kind = Attachment.State, Attachment.Kind
FILES = {"photo", "document", "voice", "video"}  # contents of messages
MARKS = re.compile(r'["\[\]<>\x00-\x1f\x7f]+')
CUT = "\n[the rest is left out]"


class Budget:
    """What may still be shown."""

    def __init__(self) -> None:
        self.images = settings.IMAGES_SHOWN
        self.image_bytes = settings.IMAGES_SHOWN_BYTES
        self.characters = int(settings.PAPER_MAX_TOKENS * CHARS_PER_TOKEN)

    def image(self, row: Attachment) -> list[Image]:
        if not self.images or row.size > self.image_bytes or not row.has_bytes:
            return []
        self.images -= 1
        self.image_bytes -= row.size
        return [Image(row.media_type, row.bytes())]

    def paper(self, row: Attachment) -> list[Paper]:
        if not self.characters:
            return []
        text = row.text[: self.characters]
        self.characters -= len(text)
        return [Paper(row.name or "document", text if len(text) == len(row.text) else text + CUT)]


def has_files(messages: Sequence[Message]) -> bool:
    return any(message.content in FILES for message in messages)


def shown(questions: Sequence[Message], before: Sequence[Message]) -> Attached:
    """The newest first, so that what was asked about now has the most room."""
    recent = before[-settings.RECENT_MESSAGES :] if settings.RECENT_MESSAGES else []
    messages = [message for message in (*recent, *questions) if message.content in FILES]
    if not messages:
        return NOTHING
    rows = of_messages([message.pk for message in messages])
    budget = Budget()
    return {pk: show(rows[pk], budget) for pk in sorted(rows, reverse=True)}


def show(rows: Sequence[Attachment], budget: Budget) -> Shown:
    images = [image for row in rows if is_picture(row) for image in budget.image(row)]
    papers = [paper for row in rows if is_paper(row) for paper in budget.paper(row)]
    seen = {"images": bool(images), "papers": bool(papers)}
    return Shown(" ".join(words(row, seen) for row in rows), images, papers)


def is_picture(row: Attachment) -> bool:
    return row.state == State.READ and row.media_type in magic.PICTURES


def is_paper(row: Attachment) -> bool:
    return row.state == State.READ and row.kind == Kind.DOCUMENT and bool(row.text)


def words(row: Attachment, seen: Mapping[str, bool]) -> str:
    """For the model, which everywhere is spoken to in English."""
    name = f' "{MARKS.sub(" ", row.name)}"' if row.name else ""
    return f"[{Kind(row.kind).value.replace('_', ' ')}{name}, {standing(row, seen)}]"


def standing(row: Attachment, seen: Mapping[str, bool]) -> str:
    if row.state == State.REFUSED:
        told = "" if row.reason in reasons.UNTOLD else " The person has been told."
        return f"{size(row)}, cannot be understood here: {row.reason}{told}"
    if row.kind in Attachment.SPOKEN:
        return "in these words:" if row.state == State.READ else "which nobody here can listen to"
    if row.kind == Kind.VIDEO:
        return "which nobody here can watch"
    is_shown = seen["images"] if is_picture(row) else seen["papers"]
    return size(row) if is_shown else f"{size(row)}, not shown any more"


def size(row: Attachment) -> str:
    return f"{max(1, round(row.size / 1000)):,} kB"
