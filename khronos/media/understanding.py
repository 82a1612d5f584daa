"""What is in a file that is here: pictures are looked at, documents read, sound written down.

Each file is understood once. What came of it is a row before anybody is told, so that nothing is paid twice.
"""

from dataclasses import dataclass
from functools import partial

from django.conf import settings

from khronos.exceptions import Permanent, Unauthorized
from khronos.guards import limits
from khronos.knowledge import intake
from khronos.knowledge.reading import guarded as reading
from khronos.media import magic, reasons
from khronos.media.listening import listen
from khronos.media.transcribing import transcriber
from khronos.models import Attachment, Document, Message, Turn
from khronos.models.commit import insist
from khronos.observability import metrics
from khronos.usage import ledger

State = Attachment.State
TEXTS = ("text/", "application/json", "application/xml", "application/yaml")


class Unfit(Exception):
    """Its argument is one of `reasons`, or of those of the readers of documents."""


@dataclass(frozen=True, slots=True)
class Found:
    text: str = ""
    media_type: str = ""


def understand(turn: Turn, attachment: Attachment, token: str, wake: limits.Wake) -> None:
    """A fetched one: understood or refused afterwards. Raises Transient, Unauthorized: later."""
    raw = attachment.bytes()
    try:
        if attachment.kind in Attachment.SPOKEN:
            found = heard(turn, attachment, raw, token, wake)
        else:
            found = looked_at(raw) if is_picture(attachment, raw) else read(attachment, raw)
    except Unfit as error:
        conclude(turn, attachment, State.REFUSED, str(error))
    else:
        conclude(turn, attachment, State.READ, "", found)


def is_picture(attachment: Attachment, raw: bytes) -> bool:
    return attachment.kind == Attachment.Kind.PHOTO or magic.kind_of(raw) in magic.PICTURES


def looked_at(raw: bytes) -> Found:
    kind, extent = magic.kind_of(raw), magic.extent_of(raw)
    if kind not in magic.PICTURES or extent is None:
        raise Unfit(reasons.NO_PICTURE)
    is_wide = max(extent.width, extent.height) > settings.IMAGE_MAX_PIXELS
    if is_wide or len(raw) > settings.IMAGE_MAX_BYTES:
        raise Unfit(reasons.PICTURE_TOO_LARGE)
    return Found(media_type=kind)


def read(attachment: Attachment, raw: bytes) -> Found:
    form = form_of(attachment, raw)
    try:
        blocks = reading.read(form, raw)
    except Permanent as error:
        raise Unfit(str(error)) from None
    text = "\n\n".join(block.text for block in blocks)[: settings.MEDIA_TEXT_MAX].replace("\x00", "")
    if not text.strip():
        raise Unfit(reasons.EMPTY)
    return Found(text, magic.PDF if form == Document.Form.PDF else attachment.media_type)


def form_of(attachment: Attachment, raw: bytes) -> Document.Form:
    """By its bytes where they tell, else by its name, else by what the sender says of it."""
    kind = magic.kind_of(raw)
    by_name = intake.FORMS.get(intake.ending_of(attachment.name))
    if kind == magic.PDF:
        return Document.Form.PDF
    if kind == magic.ZIP:
        by_name = by_name if by_name == Document.Form.DOCX else None
    elif by_name is None and attachment.media_type.startswith(TEXTS):
        by_name = Document.Form.HTML if attachment.media_type == "text/html" else Document.Form.TEXT
    if by_name is None:
        raise Unfit(reasons.NO_FORM)
    return by_name


def heard(turn: Turn, attachment: Attachment, raw: bytes, token: str, wake: limits.Wake) -> Found:
    scribe = transcriber()
    if scribe is None:
        raise Unfit(reasons.NOT_SPOKEN)
    try:
        text = listen(scribe, turn, attachment, raw, token, wake)
    except Unauthorized:
        raise
    except Permanent:  # it is the recording
        raise Unfit(reasons.NOT_SPOKEN) from None
    if not text:
        raise Unfit(reasons.NOT_SPOKEN)
    return Found(text[: settings.MEDIA_TEXT_MAX], attachment.media_type)


def conclude(
    turn: Turn, attachment: Attachment, state: State, reason: str, found: Found | None = None
) -> None:
    insist(
        partial(write, turn, attachment, state, reason, found or Found()), settings.TURN_LEASE.total_seconds()
    )
    attachment.refresh_from_db()
    metrics.ATTACHMENTS.labels(kind=attachment.kind, state=state).inc()


def write(turn: Turn, attachment: Attachment, state: State, reason: str, found: Found) -> None:
    """With what it has cost, behind the turn's fence. What was spoken is what the contact said."""
    turn.extend(settings.TURN_LEASE)
    rows = Attachment.objects.filter(pk=attachment.pk, state=State.FETCHED)
    known = {"media_type": found.media_type} if found.media_type else {}
    is_new = rows.update(state=state, reason=reason[:500], text=found.text, **known)
    ledger.write(turn.paid)
    if is_new and found.text and attachment.kind in Attachment.SPOKEN:
        message = Message.objects.get(pk=attachment.message_id)
        said = "\n".join(part for part in (message.text, found.text) if part)
        Message.objects.filter(pk=message.pk).update(text=said)
