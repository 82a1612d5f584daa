"""The admin's first page: what needs a person, in a few numbers, each the way to its rows."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Min, Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from khronos.desk.admin.columns import NONE, list_of
from khronos.desk.lengths import ago
from khronos.desk.newest import newer_than
from khronos.models import (
    Alert,
    Conversation,
    DeadLetter,
    Delivery,
    HealthCheck,
    Pause,
    Quarantined,
    Turn,
    Update,
)

FAILED = "?state__exact=failed&since=24h"
MOST = 1000  # nobody needs to know it better, and counting on would cost


@dataclass(frozen=True, slots=True)
class Number:
    title: str
    value: str
    url: str
    icon: str
    tone: str = ""


def numbers(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold asks for the first page's context here."""
    shown = [number(*line) for line in lines() if may_see(request, line[1])]
    if may_see(request, Turn):
        shown.insert(2, oldest())
    needing = [each for each in shown if each.tone == "danger"]
    return context | {"numbers": shown, "all_is_well": bool(shown) and not needing, "title": _("Overview")}


def may_see(request: HttpRequest, model: type[Model]) -> bool:
    return request.user.has_perm(f"khronos.view_{model._meta.model_name}")


def lines() -> list[tuple[str, type[Model], QuerySet[Any], str, str, bool]]:
    """Title, noun, rows, their list's filter, icon, and whether a row of them needs a person."""
    open_ = Conversation.objects.filter(state=Conversation.State.OPEN)
    waiting = Turn.objects.unsettled()
    failed = newer_than(
        Delivery.objects.filter(state=Delivery.State.FAILED), "created_at", timedelta(hours=24)
    )
    quarantined = Update.objects.filter(state=Update.State.QUARANTINED)
    dead = DeadLetter.objects.filter(replayed_at=None)
    alerts = Alert.objects.open().exclude(level=Alert.Level.INFO)
    bad = HealthCheck.objects.filter(ok=False).exclude(checked_at=None)
    return [
        (_("Open conversations"), Conversation, open_, "?state__exact=open", "forum", False),
        (_("Turns to be answered"), Turn, waiting, "?undone=1", "hourglass_top", False),
        (
            _("Deliveries failed in 24 hours"),
            Delivery,
            failed,
            "?state__exact=failed&since=24h",
            "sms_failed",
            True,
        ),
        (_("Updates in quarantine"), Quarantined, quarantined, "", "gpp_maybe", True),
        (_("Dead letters"), DeadLetter, dead, "?open=1", "mail_off", True),
        (_("Pauses"), Pause, Pause.objects.all(), "", "pause_circle", False),
        (_("Open alerts"), Alert, alerts, "?open=1", "notifications_active", True),
        (_("Health checks that are bad"), HealthCheck, bad, "?ok__exact=0", "monitor_heart", True),
    ]


def number(
    title: str, model: type[Model], rows: QuerySet[Any], query: str, icon: str, needs_person: bool
) -> Number:
    count = rows.order_by().values("pk")[: MOST + 1].count()
    tone = "danger" if needs_person and count else ""
    return Number(title, f"{MOST}+" if count > MOST else str(count), list_of(model, query), icon, tone)


def oldest() -> Number:
    found = Turn.objects.unsettled().aggregate(oldest=Min("created_at"))["oldest"]
    value = ago(found) if found else NONE
    return Number(_("Oldest of them waits"), value, list_of(Turn, "?undone=1&o=1"), "timer")
