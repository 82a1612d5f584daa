"""The breakers of the outside services: `with guarded("anthropic"):` around a call."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction

from khronos.alerts import raise_alert, raise_without_database, resolve_alert
from khronos.bus import doorbell, events
from khronos.bus.connection import quick
from khronos.bus.routes import HURRY
from khronos.exceptions import Ambiguous, Refused, Throttled, Transient
from khronos.models import Event
from khronos.observability import heartbeat, metrics
from khronos.observability.said import Said as _
from khronos.resilience.breakers import Breaker, BreakerPolicy, Change, Open, RedisStore, State

log = logging.getLogger(__name__)

ONE_EACH = ("callback", "tool")  # kinds of which there are many: one for a host, one for a tool
LEFT_ALONE = "is left alone, it has failed too often"


@contextmanager
def guarded(name: str) -> Iterator[None]:
    """Raises Refused, and asks nobody, while the service is known to be away (never, without numbers)."""
    if kind_of(name) not in settings.BREAKERS:
        yield
        return
    heartbeat.progress.show()
    try:
        with breaker(name):
            yield
    except Open as refusal:
        if refusal.name != name:
            raise
        raise Refused(f"{name} {LEFT_ALONE}", refusal.retry_after_s) from None
    finally:
        heartbeat.progress.show()


@cache
def store() -> RedisStore:
    """One for all: when it is away, all leave it alone."""
    return RedisStore(quick())


@cache
def breaker(name: str) -> Breaker:
    policy = BreakerPolicy(
        name=name,
        window_s=settings.BREAKER_WINDOW_S,
        least_calls=least_calls(name),
        **settings.BREAKERS[kind_of(name)],
    )
    return Breaker(policy, store(), counts=partial(is_outage, name), on_change=tell)


def least_calls(name: str) -> int:
    """Of a model that hangs a window shows no more calls than may be open at once."""
    at_once = settings.PROVIDER_CONCURRENCY.get(name) or settings.BREAKER_LEAST_CALLS
    return int(max(2, min(at_once, settings.BREAKER_LEAST_CALLS)))


def kind_of(name: str) -> str:
    """`callback:shop.example` has the numbers of `callback`."""
    return name.partition(":")[0]


def is_outage(name: str, error: BaseException) -> bool | None:
    """None: it says nothing of the service. What is our own fault (4xx) shows that it is there."""
    if isinstance(error, Refused):
        return None
    if isinstance(error, (DatabaseError, InterfaceError)):
        return True if name == "database" else None  # of a note made between two calls to the service
    if isinstance(error, Throttled):
        return False
    return isinstance(error, (Transient, Ambiguous))


def tell(change: Change) -> None:
    """Once for all processes."""
    log.warning(
        "breaker %s is %s",
        change.name,
        change.after,
        extra={"error_rate": change.error_rate, "calls": change.calls},
    )
    metrics.BREAKER_CHANGES.labels(breaker=change.name, state=change.after).inc()
    facts = {"name": change.name, "why": reason(change)}
    text = _("%(name)s is left alone for a while: %(why)s.") % facts
    if change.name == "database" and change.after is not State.CLOSED:
        if change.after is State.OPEN:  # it cannot note that it is away: whoever asks it to waits in vain
            raise_without_database(f"breaker.{change.name}", "critical", text)
        return
    if change.after is State.OPEN:
        raise_alert(f"breaker.{change.name}", "error", text)
    elif change.after is State.CLOSED:
        resolve_alert(f"breaker.{change.name}")
        doorbell.call(HURRY, "ops", change.name)
    with transaction.atomic():
        events.record([fact(change)])


def reason(change: Change) -> str:
    if not change.calls:
        return _("an operator wants it so")
    return _("%(rate)s of %(n)s calls failed") % {"rate": f"{change.error_rate:.0%}", "n": change.calls}


def fact(change: Change) -> Event:
    return events.make(
        Event.Type.BREAKER_CHANGED,
        key=f"breaker:{change.name}:{secrets.token_hex(8)}",
        trace_id="",
        payload={
            "breaker": change.name,
            "before": change.before,
            "after": change.after,
            "error_rate": change.error_rate,
            "calls": change.calls,
        },
    )
