"""What could not be understood of what somebody sent, said politely and with the reason, each reason once."""

from collections.abc import Iterable, Mapping, Sequence

from django.utils import translation

from khronos.conversation.phrases import phrase
from khronos.media import reasons
from khronos.media.transcribing import transcriber
from khronos.models import Attachment, Message

State, Kind = Attachment.State, Attachment.Kind
CATALOGUES = {"pt": "pt-br"}  # of the languages that contacts are spoken to in; English for all others


def apology(row: Attachment, language: str) -> str:
    """Empty where there is nothing to be sorry for, or the model says it."""
    if row.kind == Kind.VIDEO:
        return phrase("video", language)
    if row.state == State.REFUSED and row.reason not in reasons.UNTOLD:
        if row.reason == reasons.TOO_LARGE:
            return phrase("too_large", language).format(most=reasons.too_large())
        return phrase("unread", language).format(what=named(row), reason=in_words(row.reason, language))
    if row.kind in Attachment.SPOKEN and row.state != State.READ and transcriber() is None:
        return phrase("voice", language)
    return ""


def named(row: Attachment) -> str:
    """What it is called may look like Markdown, and is nobody's to write here."""
    name = "".join(each for each in row.name if each.isalnum() or each in " .-()").strip()
    return f" {name[:100]}" if name else ""


def in_words(reason: str, language: str) -> str:
    with translation.override(CATALOGUES.get(language, "en")):
        return translation.gettext(reason)


def apologies(rows: Iterable[Attachment], language: str) -> Mapping[int, str]:
    """By message."""
    found: dict[int, str] = {}
    for row in rows:
        if words := apology(row, language):
            found.setdefault(row.message_id, words)
    return found


def is_question(message: Message, apologised: Mapping[int, str]) -> bool:
    """Whoever said nothing beside what could not be understood has his answer."""
    return bool(message.text) or message.pk not in apologised


def once_each(apologised: Mapping[int, str]) -> Sequence[str]:
    return list(dict.fromkeys(apologised.values()))
