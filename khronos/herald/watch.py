"""Looks for trouble that no single place sees: who waits too long, how much waits, how much fails."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from khronos.alerts import raise_alert, resolve_alert
from khronos.models import Delivery, Event, Pause, Turn, Update
from khronos.observability.lengths import words
from khronos.observability.said import Said as _

RATE_OVER = timedelta(minutes=5)
RATE_LEAST_FAILED = 5  # of few messages a single failure is many per cent
NEWEST_EVENTS = 5000  # times have no index: the window ends here at the latest
CALM = 0.5  # a backlog is over when it is down to this part of what is too much


def look() -> None:
    look_for_stuck()
    look_at_backlog()
    look_at_errors()


def look_for_stuck() -> None:
    """The oldest message that nobody answered, and that no pause and no budget holds back."""
    limit = timedelta(seconds=settings.ALERT_STUCK_S)
    found = oldest(limit)
    if found is None:
        resolve_alert("stuck")
        return
    what, age_s, reason = found
    facts = {"what": what, "length": words(age_s), "why": reason}
    said = (
        _("%(what)s waits for %(length)s. It waits because: %(why)s.")
        if reason
        else _("%(what)s waits for %(length)s.")
    )
    raise_alert("stuck", "error", said % facts)


def oldest(limit: timedelta) -> tuple[str, float, str] | None:
    """What it is, how old in seconds, and why it waits."""
    held = Turn.objects.waiting_for_budget().filter(conversation=OuterRef("conversation"))
    turns = Turn.objects.unsettled().exclude(Exists(Pause.objects.holding(Pause.Queue.AGENT)))
    turns = turns.exclude(Exists(held))
    sends = Delivery.objects.unsettled().exclude(Exists(Pause.objects.holding(Pause.Queue.DELIVERY)))
    sources: list[tuple[str, QuerySet[Any], str]] = [
        ("Update", Update.objects.waiting(), "received_at"),
        ("Turn", turns, "created_at"),
        ("Delivery", sends, "created_at"),
    ]
    found = []
    for noun, rows, since in sources:
        late = rows.filter(**{f"{since}__lt": Now() - limit}).annotate(clock=Now()).order_by(since)
        if row := late.first():
            found.append((f"{noun} {row.pk}", (row.clock - getattr(row, since)).total_seconds(), row.reason))
    return max(found, key=lambda each: each[1], default=None)


def look_at_backlog() -> None:
    waiting = Update.objects.waiting().count() + Turn.objects.unsettled().count()
    if waiting > settings.ALERT_BACKLOG:
        said = _("%(n)s messages wait, more than %(most)s.") % {"n": waiting, "most": settings.ALERT_BACKLOG}
        raise_alert("backlog", "warning", said)
    elif waiting <= settings.ALERT_BACKLOG * CALM:
        resolve_alert("backlog")


def look_at_errors() -> None:
    failed, all_ = outcomes()
    rate = failed / all_ if all_ else 0.0
    if failed >= RATE_LEAST_FAILED and rate > settings.ALERT_ERROR_RATE:
        minutes = round(RATE_OVER.total_seconds() / 60)
        facts = {"rate": f"{rate:.0%}", "n": all_, "minutes": minutes}
        said = _("%(rate)s of %(n)s messages of %(minutes)s minutes failed.") % facts
        raise_alert("errors.rate", "error", said)
    elif failed == 0 or rate <= settings.ALERT_ERROR_RATE:
        resolve_alert("errors.rate")


def outcomes() -> tuple[int, int]:
    """Of the last minutes: messages that failed or were given up, and all that came to an end."""
    newest = Event.objects.aggregate(newest=Max("pk"))["newest"] or 0
    recent = Event.objects.filter(pk__gt=newest - NEWEST_EVENTS, timestamp__gte=Now() - RATE_OVER)
    ended = recent.filter(type__in=[Event.Type.MESSAGE_SENT, Event.Type.MESSAGE_FAILED])
    counts = ended.aggregate(all=Count("pk"), failed=Count("pk", filter=Q(type=Event.Type.MESSAGE_FAILED)))
    return counts["failed"], counts["all"]
