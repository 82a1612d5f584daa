"""The sweeper: whatever is due in the database and was not done is rung for again.

It makes Redis and Celery mere doorbells: a lost stream, task or worker costs time, never a message.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Max
from django.db.models.functions import Now

from khronos.bus import doorbell
from khronos.bus.routes import DELIVERY_TASK, FETCH_TASK, TURN_TASK, Route
from khronos.conversation.dispatch import OUR_FAULT
from khronos.models import Alert, Attachment, Delivery, Document, HealthCheck, Summary, Turn, Update
from khronos.models.work import WorkQuerySet
from khronos.resilience import crashpoints

log = logging.getLogger(__name__)

OVERLOOKED = timedelta(seconds=2)  # an update that the stream should have brought by now
RING_AGAIN = timedelta(seconds=5)
BACKLOG = 8  # rings that wait in a queue: most likely nothing was lost, and the workers are busy
OVERTAKEN = timedelta(seconds=15)  # by later rings; workers side by side differ by less
MOST = 500  # rows a sweep


def overlooked_updates() -> list[int]:
    late = Update.objects.waiting().filter(received_at__lt=Now() - OVERLOOKED)
    return list(late.order_by("pk").values_list("pk", flat=True)[:MOST])


def ring_for_due_work() -> int:
    """Answers how many rows were rung for."""
    count = ring_for(Turn.objects.unrung(RING_AGAIN), TURN_TASK)
    count += ring_for(Delivery.objects.unrung(RING_AGAIN), DELIVERY_TASK)
    return count + ring_for(Attachment.objects.unrung(RING_AGAIN), FETCH_TASK)


def hurry(service: str = "") -> None:
    """What waits for the end of this breaker or alert may go now; without a name, whatever waits."""
    turns, deliveries = Turn.objects.all(), Delivery.objects.all()
    if service:
        turns, deliveries = turns.waiting_for(service), deliveries.waiting_for(service)
    documents = Document.objects.filter(state=Document.State.WAITING)
    (documents.waiting_for(service) if service else documents).change(due_at=Now(), rung_at=None)
    turns.filter(state=Turn.State.PARKED).change(due_at=Now(), rung_at=None)
    deliveries.filter(state=Delivery.State.PENDING).change(due_at=Now(), rung_at=None)


def follow_clock(put_back_s: float) -> None:
    """The database's clock is the machine's, and was put back: what waits must not wait for that too."""
    back = timedelta(seconds=put_back_s)
    for rows in (Turn.objects, Delivery.objects, Attachment.objects, Document.objects, Summary.objects):
        rows.unsettled().change(due_at=F("due_at") - back, rung_at=None)
    Alert.objects.filter(tell_at__isnull=False).update(tell_at=F("tell_at") - back)
    HealthCheck.objects.all().again()
    log.warning("the clock was put back, and with it what is due", extra={"seconds": round(put_back_s)})


def try_again() -> int:
    """After a start, which may have brought a mend: updates that failed by our own fault."""
    failed = Update.objects.filter(state=Update.State.QUARANTINED, reason__startswith=OUR_FAULT)
    return failed.update(state=Update.State.RECEIVED, reason="")


def ring_for(rows: WorkQuerySet[Any], route: Route) -> int:
    found = list(rows.order_by("due_at").values_list("pk", "rung_at")[:MOST])
    ids = [pk for pk, _ in found]
    again = any(rung_at is not None for _, rung_at in found)
    if again and doorbell.waiting_in(route.queue) > BACKLOG:
        served = rung_for_the_newest_in_hand(rows)
        ids = [pk for pk, rung_at in found if rung_at is None or (served and rung_at < served - OVERTAKEN)]
    if ids and doorbell.ring(route, ids):
        crashpoints.reached("sweep.rung")
        mark(rows, ids)
        return len(ids)
    return 0


def rung_for_the_newest_in_hand(rows: WorkQuerySet[Any]) -> datetime | None:
    """A queue is worked off in its order, so that what was rung for long before this has lost its ring."""
    newest: datetime | None = rows.anew().in_hand().aggregate(newest=Max("rung_at"))["newest"]
    return newest


def mark(rows: WorkQuerySet[Any], ids: Sequence[int]) -> None:
    rows.anew().filter(pk__in=ids).change(rung_at=Now())
