"""What becomes of a delivery after a try: a table that a test reads (docs/delivery.md)."""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from khronos.exceptions import Ambiguous, Failure, Transient, Unauthorized
from khronos.models import Channel, Delivery
from khronos.observability.said import Said as _
from khronos.resilience.backoff import doubled

AGAIN_MIN_S, AGAIN_MAX_S = 2.0, 120.0
DOUBTFUL_S = 5.0  # before the one repeat of what may have arrived
UNAUTHORIZED_S = 300.0


@dataclass(frozen=True, slots=True)
class Later:
    after: timedelta
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Never:
    reason: str


def after_failure(error: Failure, delivery: Delivery, *, edits: bool) -> Later | Never:
    """`edits`: the channel fills a placeholder, so that asking again cannot show anything twice."""
    if isinstance(error, Transient):
        return Later(timedelta(seconds=error.retry_after or backoff(delivery.deferrals)))
    if isinstance(error, Ambiguous) and edits:
        return Later(timedelta(seconds=backoff(delivery.deferrals)))
    if isinstance(error, Ambiguous):
        if delivery.doubtful:
            return Never(f"may have arrived, twice uncertain: {error}")
        return Later(timedelta(seconds=DOUBTFUL_S), {"doubtful": True})
    if isinstance(error, Unauthorized):
        return Later(timedelta(seconds=UNAUTHORIZED_S))
    return Never(str(error))


def waits_for(error: Failure, channel: Channel, guard: str) -> str:
    """What a delivery's reason begins with tells who wakes it."""
    service = wrong_token(channel) if isinstance(error, Unauthorized) else guard
    return f"{service}: {error}" if service else str(error)


def wrong_token(channel: Channel) -> str:
    """The alert's name."""
    return f"channel.{channel.slug}.unauthorized"


def token_refused(channel: Channel, error: Failure) -> str:
    return _("%(channel)s refuses our token: %(why)s") % {"channel": channel, "why": error}


def backoff(deferrals: int) -> float:
    return doubled(AGAIN_MIN_S, deferrals, AGAIN_MAX_S) * random.uniform(0.8, 1.2)  # noqa: S311
