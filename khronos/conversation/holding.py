"""Holding a turn: the conversation's lock and the row's lease are extended, and the contact sees us type."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from functools import partial

import redis
from django.conf import settings
from django.db import DatabaseError

from khronos.bus.connection import patient
from khronos.channels import transport_of
from khronos.conversation import answer
from khronos.delivery.pacing import courtesy, is_paused
from khronos.exceptions import LostLease, Transient
from khronos.models import Delivery, Message, Turn
from khronos.models.commit import commit
from khronos.models.lease import holder
from khronos.resilience.keeper import Keeper
from khronos.resilience.locks import RedisLock

leases = Keeper("leases")
held: dict[int, tuple[Turn, RedisLock]] = {}
typing = Keeper("typing")

ELSEWHERE, NO_LOCK, STOPPED = "another worker holds the conversation", "no lock", "its worker stopped"

# Redis did not answer when they were taken or let go: a server that only hesitated may hold them for us.
left_behind: deque[RedisLock] = deque(maxlen=10_000)


def lock_of(work: Turn | Delivery) -> RedisLock:
    ttl_ms = int(settings.LOCK_TTL.total_seconds() * 1000)
    return RedisLock(patient(), f"conversation:{work.conversation_id}", ttl_ms, holder())


@contextmanager
def holding(turn: Turn) -> Iterator[None]:
    """Raises Transient when the conversation's lock is somebody else's, or Redis is away."""
    lock = lock_of(turn)
    try:
        if not (lock.acquire() or (release_left_behind() and lock.acquire())):
            raise Transient(ELSEWHERE, retry_after=2.0)
    except redis.RedisError as error:
        left_behind.append(lock)
        raise Transient(f"{NO_LOCK}: {type(error).__name__}", retry_after=2.0) from None

    def extend() -> None:
        try:
            commit(lambda: turn.extend(settings.TURN_LEASE))
        except LostLease:
            return  # whoever has it now goes on; our writes will be refused
        lock.extend()

    held[turn.pk] = turn, lock
    try:
        with leases.keeping(extend, every_s=min(settings.LOCK_TTL, settings.TURN_LEASE).total_seconds() / 3):
            yield
    finally:
        held.pop(turn.pk, None)
        release(lock)


def release(lock: RedisLock) -> bool:
    try:
        lock.release()
    except redis.RedisError:
        left_behind.append(lock)
        return False
    return True


def release_left_behind() -> int:
    """How many were let go now."""
    count = 0
    with suppress(IndexError):
        while release(left_behind.popleft()):
            count += 1
    return count


def give_back() -> None:
    """A worker that must stop now: what it holds is due for another at once."""
    for turn, lock in list(held.values()):
        with suppress(LostLease, DatabaseError):
            commit(partial(answer.put_off, turn, timedelta(0), STOPPED, "", was_try=True))
        release(lock)


def acknowledge_presses(turn: Turn, messages: Sequence[Message]) -> None:
    """A pressed button turns until it is answered; Telegram forgets it after a minute, a failure too."""
    for message in messages:
        if callback_id := message.media.get("callback_id"):
            transport = transport_of(turn.conversation.channel)
            with courtesy(transport):
                transport.answer_button(callback_id)


@contextmanager
def typing_shown(turn: Turn) -> Iterator[None]:
    transport = transport_of(turn.conversation.channel)

    def show() -> None:
        if not is_paused(transport):
            with courtesy(transport):
                transport.typing(turn.conversation.chat_id)

    with ExitStack() as stack:
        if not transport.pulled:
            stack.enter_context(
                typing.keeping(show, every_s=settings.TYPING_EVERY_S, first_s=settings.TYPING_AFTER_S)
            )
        yield
