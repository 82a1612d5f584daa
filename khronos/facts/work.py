"""Rows that wait. Each question is answered by an index of what is unsettled, however much is settled."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Count, Min, QuerySet, Value
from django.db.models.functions import Coalesce, Now
from django.utils import timezone
from prometheus_client import Metric

from khronos.facts.gauges import gauge, gauges
from khronos.models import Alert, Conversation, DeadLetter, Delivery, HealthCheck, Quarantined, Turn, Update
from khronos.models.check import State
from khronos.usage import budget

ACTIVE = timedelta(minutes=5)


def rows() -> Iterator[Metric]:
    turns = {Turn.State.WAITING: 0, Turn.State.WORKING: 0, Turn.State.PARKED: 0} | counts(
        Turn.objects.unsettled(), "state"
    )
    yield gauges("khronos_turns", "Turns that are not settled, by state.", "state", turns)
    waiting = {"turns": due(Turn.objects), "deliveries": due(Delivery.objects)}
    yield gauges(
        "khronos_queue_size", "What waits in a queue: rings of Celery, rows that are due.", "queue", waiting
    )
    yield gauge(
        "khronos_oldest_unanswered_seconds", "Age of the oldest message without an answer.", oldest_age_s()
    )
    yield gauge("khronos_active_users", "Contacts that wrote in the last five minutes.", active_users())
    yield from troubles()


def troubles() -> Iterator[Metric]:
    shares = budget.used_shares()
    yield gauges("khronos_budget_used_ratio", "Of the month's budget; 1 is all of it.", "tenant", shares)
    letters = dict.fromkeys(DeadLetter.Source.values, 0)
    letters |= counts(DeadLetter.objects.filter(replayed_at=None), "source")
    yield gauges("khronos_dead_letters", "Work given up that nobody has replayed.", "source", letters)
    yield gauge(
        "khronos_quarantined_updates", "Updates that cannot be understood.", Quarantined.objects.count()
    )
    alerts = dict.fromkeys(Alert.Level.values, 0)
    alerts |= counts(Alert.objects.filter(resolved_at=None), "level")
    yield gauges("khronos_alerts_open", "Alerts that are not resolved.", "level", alerts)
    seen = [check for check in HealthCheck.objects.all() if check.state not in (State.UNSEEN, State.OFF)]
    checks = {check.name: float(check.state == State.GOOD) for check in seen}
    yield gauges("khronos_check_up", "1 for a health check that was good at the last look.", "check", checks)


def due(rows: "models.Manager[Any]") -> int:
    """Also those that wait behind another or are paused: to sort these out costs more than to count them."""
    return rows.filter(due_at__lte=Now()).count()


def active_users() -> int:
    since = timezone.now() - ACTIVE
    # Bare, SQLite would walk through the index of all contacts in place of the few chats since then.
    contact = Coalesce("contact_id", Value(None))
    people = Conversation.objects.filter(updated_at__gt=since).aggregate(n=Count(contact, distinct=True))
    return int(people["n"])


def counts(rows: QuerySet[Any], field: str) -> dict[str, int]:
    return dict(rows.order_by().values_list(field).annotate(Count("pk")))


def oldest_age_s() -> float:
    """Of what was not dispatched, not answered, or not sent."""
    since: list[datetime | None] = [
        Update.objects.waiting().aggregate(at=Min("received_at"))["at"],
        Turn.objects.unsettled().aggregate(at=Min("created_at"))["at"],
        Delivery.objects.unsettled().aggregate(at=Min("created_at"))["at"],
    ]
    now = timezone.now()
    return max([0.0, *((now - at).total_seconds() for at in since if at)])
