"""How long a turn waits, and for what: models that are away, limits, a contact who says too much."""

import logging
import random
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.db.models.functions import Now
from django.utils import timezone

from khronos.agents.think import Away
from khronos.bus import doorbell
from khronos.bus.routes import TURN_TASK
from khronos.models import Message, Turn
from khronos.resilience.backoff import doubled

log = logging.getLogger(__name__)

WHO = "turn:"
MINUTE = timedelta(minutes=1)
FLOOD = "the contact says more than is answered in a minute"


class TooMuch(Exception):
    """The contact says more in a minute than is answered in one."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(FLOOD)
        self.wait_s = wait_s


def restrain(turn: Turn, messages: Sequence[Message]) -> None:
    """Looked at when the turn is first taken: whoever has waited is answered."""
    most = settings.CONTACT_MESSAGES_PER_MINUTE
    if not most or turn.deferrals or turn.conversation.chat_type != "private":
        return
    theirs = sorted(message.created_at for message in messages if message.author == Message.Author.CONTACT)
    a_minute_before = theirs[-1] - MINUTE  # by the clock that dated them: ours may go differently
    recent = [at for at in theirs if at > a_minute_before]
    if len(recent) > most:
        leaves = recent[-most - 1]  # the youngest of those that must be over before all fit again
        raise TooMuch((leaves - a_minute_before).total_seconds())


def waiting_time(deferrals: int, away: Away) -> float:
    """Seconds: what the provider asked for, else doubled each time; spread, to not come back all at once."""
    if away.is_spent:
        return min(away.retry_after or settings.PARK_BUDGET_S, settings.PARK_BUDGET_S) + random.uniform(0, 30)  # noqa: S311
    if away.needs_operator:
        return float(settings.PARK_UNAUTHORIZED_S)
    if away.has_place and away.retry_after is not None:
        return away.retry_after
    longest_s = settings.PARK_MAX_S
    wait_s = min(away.retry_after or doubled(settings.PARK_MIN_S, deferrals, longest_s), longest_s)
    return float(wait_s * random.uniform(1.0, 1.3))  # noqa: S311


def waited_s(turn: Turn) -> float:
    return (timezone.now() - turn.created_at).total_seconds()


def token_of(turn_id: int) -> str:
    return f"{WHO}{turn_id}"


def wake(tokens: Sequence[str]) -> None:
    """A seat is set aside for each of them. Never raises: it would cost the answer of whoever leaves it."""
    ids = [int(token.removeprefix(WHO)) for token in tokens if token.startswith(WHO)]
    if not ids:
        return
    try:
        Turn.objects.filter(pk__in=ids, state=Turn.State.PARKED).change(due_at=Now(), rung_at=None)
    except (DatabaseError, InterfaceError) as error:
        log.warning("nobody is woken, they come by themselves", extra={"error": type(error).__name__})
        return
    doorbell.ring(TURN_TASK, ids)
