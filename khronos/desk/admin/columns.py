"""What cells are made of: ages in words, states as coloured labels, links, short texts."""

import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from khronos.desk.lengths import ago, until
from khronos.models import Alert, Attachment, Conversation, Delivery, Document, ToolCall, Turn, Update
from khronos.models.check import State
from khronos.usage.prices import in_currency

NONE = "–"
TEXT_MAX = 20_000  # characters of a text or payload that a page shows

# One tone for each state; what is not here is plain.
TONES: dict[str, str] = {
    Turn.State.WAITING: "warning",
    Turn.State.WORKING: "info",
    Turn.State.PARKED: "warning",
    Turn.State.ANSWERED: "success",
    Turn.State.BURIED: "danger",
    Delivery.State.PENDING: "warning",
    Delivery.State.SENDING: "info",
    Delivery.State.SENT: "success",
    Delivery.State.FAILED: "danger",
    Update.State.RECEIVED: "warning",
    Update.State.DISPATCHED: "success",
    Update.State.QUARANTINED: "danger",
    Document.State.READY: "success",
    Attachment.State.FETCHED: "info",
    Attachment.State.READ: "success",
    Conversation.State.OPEN: "success",
    Conversation.Handler.QUEUE: "warning",
    Conversation.Handler.HUMAN: "info",
    ToolCall.State.ASKED: "warning",
    ToolCall.State.RUNNING: "info",
    ToolCall.State.DONE: "success",
    ToolCall.State.UNKNOWN: "danger",
    ToolCall.State.REFUSED: "danger",
    State.GOOD: "success",
    State.BAD: "danger",
    State.STALE: "danger",
    Alert.Level.INFO: "info",
    Alert.Level.WARNING: "warning",
    Alert.Level.ERROR: "danger",
    Alert.Level.CRITICAL: "danger",
}


def badge(text: object, tone: str = "") -> SafeString:
    return format_html('<span class="kh-badge kh-{}">{}</span>', tone or "plain", text)


def state(value: str, label: object) -> SafeString:
    return badge(label, TONES.get(value, ""))


def yes_no(value: bool) -> str:
    return _("yes") if value else _("no")


def age(moment: datetime | None) -> SafeString | str:
    """How long ago; the moment itself is in the title."""
    return titled(moment, ago(moment)) if moment else NONE


def due(moment: datetime | None) -> SafeString | str:
    return titled(moment, until(moment)) if moment else NONE


def titled(moment: datetime, text: str) -> SafeString:
    local = timezone.localtime(moment)
    return format_html(
        '<time class="kh-time" datetime="{}" title="{}">{}</time>',
        local.isoformat(),
        date_format(local, "DATETIME_FORMAT"),
        text,
    )


def page_of(model: type[Model], pk: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])


def list_of(model: type[Model], query: str = "") -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") + query


def link(model: type[Model], pk: object, text: object) -> SafeString | str:
    if pk is None:
        return NONE
    return format_html('<a class="kh-link" href="{}">{}</a>', page_of(model, pk), text or pk)


def trace(trace_id: str, length: int = 8) -> SafeString | str:
    """One id shows the whole life of a message: its events."""
    if not trace_id:
        return NONE
    return events_of("trace_id", trace_id, length)


def correlation(correlation_id: str) -> SafeString:
    """Of all messages that their sender put under one id."""
    return events_of("correlation_id", correlation_id, 36)


def events_of(name: str, id_: str, length: int) -> SafeString:
    url = reverse("admin:khronos_event_changelist", query={name: id_})
    return format_html('<a class="kh-link kh-mono" href="{}" title="{}">{}</a>', url, id_, id_[:length])


def why(reference: object) -> SafeString:
    """The way to the page that tells what became of it."""
    url = reverse("admin:khronos_why_of", args=[reference])
    return format_html('<a class="kh-link kh-whole" href="{}">{}</a>', url, _("why?"))


def whole(text: str) -> SafeString:
    """A name that is not to be broken into lines."""
    return format_html('<span class="kh-whole">{}</span>', text)


def money(millionths: int, places: int = 2) -> str:
    """As the reader's language writes it."""
    amount = number_format(round(in_currency(millionths), places), places, force_grouping=True)
    return f"{amount} {settings.PRICE_CURRENCY}"


def excerpt(text: str, length: int = 80) -> str:
    line = " ".join(text[: length * 4].split())
    return line if len(line) <= length else line[: length - 1] + "…"


def line(text: str, length: int = 80) -> SafeString | str:
    """The beginning of a text, with room to be read in."""
    return format_html('<span class="kh-line">{}</span>', excerpt(text, length)) if text else NONE


def pretty(value: Any) -> SafeString:
    """JSON for people. What cannot be shown as text is shown escaped."""
    return block(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def block(text: str) -> SafeString:
    """Text as it is, bounded; lone surrogates would break the page."""
    shown = text[:TEXT_MAX].encode("utf-8", "backslashreplace").decode()
    rest = len(text) - TEXT_MAX
    more = "\n" + _("… and %(n)s characters more") % {"n": rest} if rest > 0 else ""
    return format_html('<pre class="kh-raw">{}</pre>', shown + more)
