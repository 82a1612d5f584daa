"""The last hour, minute by minute: what came in, what was answered, and how long that took.

A minute that is over is read once and remembered. Times have no index of their own in the table of events:
the first row of a minute is searched for by halving (khronos/desk/newest.py).
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, OuterRef, QuerySet, Subquery
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils import timezone

from khronos.desk.newest import SLACK, STRIDE, floor
from khronos.models import Event, Message, Update

MINUTES = 60
SETTLES = timedelta(seconds=15)  # after its end, until all that happened in a minute is committed
TAKEN_IN = (Update.State.DISPATCHED, Update.State.RECEIVED)
PATIENCE_S = 0.25  # for minutes that are not known yet; the rest is read at the next look


@dataclass(slots=True)
class Minute:
    received: int = 0
    took_ms: Counter[int] = field(default_factory=Counter)  # to two digits: 1.3 s, 45 ms

    @property
    def answered(self) -> int:
        return self.took_ms.total()


class Hour:
    def __init__(self) -> None:
        self.known: dict[datetime, Minute] = {}
        self.firsts: dict[datetime, int] = {}  # of what was sent in a minute, none has a lower number

    def look(self) -> dict[str, Any]:
        now = timezone.now()
        current = now.replace(second=0, microsecond=0)
        wanted = [current - timedelta(minutes=number) for number in range(MINUTES)]
        self.known = {start: self.known[start] for start in wanted if start in self.known}
        self.firsts = {start: self.firsts[start] for start in wanted if start in self.firsts}
        shown = dict(self.known)
        until = time.monotonic() + PATIENCE_S
        for start in wanted:
            if start in shown:
                continue
            is_over = start + timedelta(minutes=1) + SETTLES < now
            shown[start] = minute(start, self.sent(start, is_over))
            if is_over:
                self.known[start] = shown[start]
            if time.monotonic() > until:
                break
        return told([shown[start] for start in reversed(wanted) if start in shown])

    def sent(self, start: datetime, is_over: bool) -> QuerySet[Event]:
        """A little more than went out in this minute, so that no more of the table need be read."""
        all_sent = Event.objects.filter(type=Event.Type.MESSAGE_SENT)
        if start not in self.firsts:
            self.firsts[start] = floor(all_sent, "timestamp", start - SLACK)
        rows = all_sent.filter(pk__gte=self.firsts[start])
        following = self.firsts.get(start + 3 * SLACK)
        return rows.filter(pk__lt=following + STRIDE) if is_over and following else rows


def told(minutes: list[Minute]) -> dict[str, Any]:
    took_ms = sum((minute.took_ms for minute in minutes), Counter[int]())
    return {
        "minutes": len(minutes),
        "received": [minute.received for minute in minutes],
        "answered": [minute.answered for minute in minutes],
        "p50_ms": percentile(took_ms, 0.50),
        "p95_ms": percentile(took_ms, 0.95),
    }


def percentile(numbers: Counter[int], share: float) -> int | None:
    """The least number that at least this share is not above."""
    wanted, seen = share * numbers.total(), 0
    for number in sorted(numbers):
        seen += numbers[number]
        if seen >= wanted:
            return number
    return None


def minute(start: datetime, rows: QuerySet[Event]) -> Minute:
    end = start + timedelta(minutes=1)
    of_then = Update.objects.filter(received_at__gte=start, received_at__lt=end)
    # One count for each state: each has an index of its own.
    received = sum(of_then.filter(state=state).count() for state in TAKEN_IN)
    sent = rows.filter(timestamp__gte=start, timestamp__lt=end)
    return Minute(received, Counter(two_digits(took) for took in answers(sent)))


def answers(sent: QuerySet[Event]) -> Iterator[float]:
    """For each of these that was the assistant's answer: milliseconds since its question came in."""
    said_by = Message.objects.filter(pk=OuterRef("message")).values("author")
    asked_at = Event.objects.filter(trace_id=OuterRef("trace_id"), type=Event.Type.MESSAGE_RECEIVED)
    first = asked_at.order_by("pk").values("timestamp")[:1]
    rows = (
        sent.filter(payload__part=0)
        .annotate(message=Cast(KT("payload__message_id"), BigIntegerField()))
        .annotate(author=Subquery(said_by), asked_at=Subquery(first))
        .filter(author=Message.Author.BOT, asked_at__isnull=False)
    )
    for sent_at, asked in rows.values_list("timestamp", "asked_at"):
        yield max(0.0, (sent_at - asked).total_seconds() * 1000)


def two_digits(number: float) -> int:
    return int(float(f"{number:.1e}"))
