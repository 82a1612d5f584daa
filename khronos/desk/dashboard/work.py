"""What waits, since when, and what needs a person: read from the database."""

from datetime import datetime
from typing import Any

from django.db.models import Count, Min, QuerySet
from django.utils import timezone

from khronos.desk.admin.columns import excerpt, list_of, page_of
from khronos.guards.views import guarded_names, limited
from khronos.models import (
    Alert,
    DeadLetter,
    Delivery,
    HealthCheck,
    Message,
    Pause,
    Quarantined,
    Turn,
    Update,
)
from khronos.models.alert_policy import LEVELS
from khronos.models.check import OFF

COUNTED = 10_000  # rows; nobody needs to know it better, and counting on would cost
SHOWN = 8  # alerts and pauses
UNDONE = (Turn.State.WAITING, Turn.State.WORKING, Turn.State.PARKED)


def look() -> dict[str, Any]:
    return {
        "waiting": waiting(),
        "alerts": alerts(),
        "dead_letters": number(DeadLetter.objects.filter(replayed_at=None), list_of(DeadLetter, "?open=1")),
        "quarantined": number(Quarantined.objects.all(), list_of(Quarantined)),
        "paused": pauses(),
        "breakers": list(guarded_names()),
        "limits": {name: (label, limit) for name, label, limit in limited()},
        "checks": checks(),
        "is_empty": not Message.objects.exists(),
    }


def waiting() -> dict[str, Any]:
    """Rows that are not done, and how long the oldest of them waits."""
    unsettled = Turn.objects.unsettled()
    states = {state: counted(unsettled.filter(state=state), "created_at") for state in UNDONE}
    updates, oldest_update = counted(Update.objects.waiting(), "received_at")
    deliveries, oldest_delivery = counted(Delivery.objects.unsettled(), "created_at")
    moments = [oldest_update, oldest_delivery, *(oldest for _count, oldest in states.values())]
    return {
        "updates": updates,
        "turns": sum(count for count, _oldest in states.values()),
        "working": states[Turn.State.WORKING][0],
        "parked": states[Turn.State.PARKED][0],
        "deliveries": deliveries,
        "oldest_s": age_s(min(filter(None, moments), default=None)),
        "url": list_of(Turn, "?undone=1&o=1"),
    }


def counted(rows: QuerySet[Any], field: str) -> tuple[int, datetime | None]:
    found = rows.order_by().values(field)[:COUNTED].aggregate(count=Count("*"), oldest=Min(field))
    return found["count"], found["oldest"]


def age_s(moment: datetime | None) -> float | None:
    return round(max(0.0, (timezone.now() - moment).total_seconds()), 1) if moment else None


def number(rows: QuerySet[Any], url: str) -> dict[str, Any]:
    return {"count": rows.order_by().values("pk")[:COUNTED].count(), "url": url}


def alerts() -> dict[str, Any]:
    """The open ones, the newest of the worst first."""
    open_ = Alert.objects.open().order_by("-repeated_at")
    worst_first = sorted(open_[:COUNTED], key=lambda alert: -LEVELS.index(alert.level))
    return {
        "counts": {level: sum(alert.level == level for alert in worst_first) for level in LEVELS},
        "shown": [
            {
                "name": alert.name,
                "level": alert.level,
                "text": excerpt(alert.text, 160),
                "count": alert.count,
                "age_s": age_s(alert.raised_at),
                "url": page_of(Alert, alert.pk),
            }
            for alert in worst_first[:SHOWN]
        ],
        "url": list_of(Alert, "?open=1"),
    }


def checks() -> dict[str, Any]:
    """As they were when somebody last looked; one that nobody looks at any more is stale, not good."""
    return {
        check.name: {
            "state": check.state,
            "detail": check.detail.removeprefix(OFF),
            "told": {language: text.removeprefix(OFF) for language, text in check.told.items()},
            "age_s": age_s(check.checked_at),
        }
        for check in HealthCheck.objects.order_by("name")
    }


def pauses() -> dict[str, Any]:
    rows = Pause.objects.known().order_by("paused_at")
    return {
        "count": rows.count(),
        "shown": [
            {
                "name": str(pause),
                "by": pause.by,
                "age_s": age_s(pause.paused_at),
                "url": page_of(Pause, pause.pk),
            }
            for pause in rows[:SHOWN]
        ],
        "url": list_of(Pause),
    }
