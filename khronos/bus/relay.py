"""The relay tells on the bus what the database holds: at least once, in order, also after a flush."""

from collections.abc import Sequence
from datetime import timedelta

import redis
from django.db.models import Q
from django.db.models.functions import Now

from khronos.bus import events, streams
from khronos.bus.connection import patient
from khronos.models import Event
from khronos.resilience import crashpoints

BATCH = 500
MOST = 10 * BATCH  # at once: the dispatcher has other things to do
QUIET = timedelta(seconds=1)  # a fresh event is its maker's to tell


class Relay:
    """What was told is marked together, a little later: telling twice is allowed, an UPDATE each is dear."""

    def __init__(self) -> None:
        self._told: list[str] = []

    def tell(self, facts: Sequence[Event]) -> None:
        if not facts:
            return
        unpublished = [fact for fact in facts if fact.published_at is None]
        streams.publish(patient(), [events.wire(fact) for fact in unpublished])
        crashpoints.reached("relay.told")
        self._told += [fact.idempotency_key for fact in unpublished]

    def mark(self) -> None:
        told, self._told = self._told, []
        for start in range(0, len(told), BATCH):
            batch = told[start : start + BATCH]
            Event.objects.filter(idempotency_key__in=batch).update(published_at=Now())
            crashpoints.reached("relay.marked")

    def catch_up(self) -> int:
        """Tell what nobody told yet; answers how many."""
        count = batch = self._catch_up_batch()
        while batch == BATCH and count < MOST:
            batch = self._catch_up_batch()
            count += batch
        return count

    def _catch_up_batch(self) -> int:
        self.mark()
        # A time to come is of a maker whose clock is ahead of the database's.
        old = Q(timestamp__lt=Now() - QUIET) | Q(timestamp__gt=Now() + QUIET)
        left = list(Event.objects.filter(old, published_at=None).order_by("pk")[:BATCH])
        self.tell(left)
        self.mark()
        return len(left)


def trim(client: "redis.Redis") -> None:
    for type_ in Event.Type.values:
        streams.trim(client, type_)
