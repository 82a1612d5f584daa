"""What a killed process held is free as soon as its next life begins: nobody waits for the leases.

The supervisor starts a seat's next life when the one before is dead. Were it not, its fences are too old.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress

import redis
from django.db.models.functions import Now

from khronos.conversation.holding import lock_of
from khronos.models import Attachment, Delivery, Document, Turn

log = logging.getLogger(__name__)


def begin() -> int:
    """How many pieces of work were freed. Before this process takes any."""
    turns = Turn.objects.inherited().filter(state=Turn.State.WORKING)
    deliveries = Delivery.objects.inherited().filter(state=Delivery.State.SENDING)
    # An answer is committed, and its delivery leased, before its turn's lock is let go.
    unlock([*turns.only("pk", "conversation_id"), *deliveries.only("pk", "conversation_id")])
    files = Attachment.objects.inherited()
    documents = Document.objects.inherited().filter(state=Document.State.WORKING)
    count = sum(rows.change(due_at=Now(), rung_at=None) for rows in (turns, deliveries, files, documents))
    if count:
        log.warning("the last life was cut off; what it held is free", extra={"rows": count})
    return count


def unlock(rows: Sequence[Turn | Delivery]) -> None:
    with suppress(redis.RedisError):  # the locks end by themselves
        for row in rows:
            lock_of(row).release_inherited()
