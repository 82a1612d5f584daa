"""When a delivery may go: limits that all processes share, waited for by the row and not by a worker."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from django.conf import settings

from khronos.bus import doorbell
from khronos.bus.routes import DELIVERY_TASK
from khronos.channels.base import Transport
from khronos.exceptions import Failure
from khronos.guards.limits import heed, limiter
from khronos.models import Delivery
from khronos.models.commit import insist

WAITS_FOR = "waits for "
MARKED_WITHIN_S = 45.0  # below the minute after which threads that wait for nobody seem to hang


def may_go(transport: Transport, delivery: Delivery, *, edits: bool = False) -> bool:
    """False when it was put off: it has a place, and is rung for when that comes."""
    conversation = delivery.conversation
    claims = transport.claims(conversation.chat_id, conversation.chat_type, edits=edits)
    if not claims:
        return True
    verdict = limiter().ask(f"{'edit' if edits else 'delivery'}:{delivery.pk}", claims)
    if verdict.granted:
        return True
    wait = timedelta(seconds=verdict.wait_s)
    write(partial(delivery.postpone, Delivery.State.PENDING, wait, f"{WAITS_FOR}{verdict.blocked_by}"))
    doorbell.ring_later(DELIVERY_TASK, [delivery.pk], verdict.wait_s)
    return False


def write(job: Callable[[], object]) -> None:
    """What became of a delivery: an absent database is waited for, as long as the lease surely lasts."""
    insist(job, settings.DELIVERY_LEASE.total_seconds() / 2)


def mark(job: Callable[[], object]) -> None:
    """What people have seen, though its lease be over: while the database is away nobody else can take it."""
    insist(job, MARKED_WITHIN_S)


@contextmanager
def courtesy(transport: Transport) -> Iterator[None]:
    """What may fail unnoticed; the other side's 429 counts all the same."""
    try:
        yield
    except Failure as error:
        heed(transport.budget, error)


def is_paused(transport: Transport) -> bool:
    return bool(transport.budget) and limiter().snapshot([transport.budget])[0].paused_s > 0
