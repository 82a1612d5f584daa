"""The bus as the request path sees it: quick, or left alone for a while."""

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import redis

from khronos.bus import events
from khronos.bus.connection import quick
from khronos.bus.streams import publish
from khronos.intake.arrival import Arrival
from khronos.models import Event

log = logging.getLogger(__name__)

REMEMBER_S = 3600  # how long Redis knows that an update was stored; the unique key knows it for UPDATES_KEPT
REST_S = 1.0  # after a fault the bus is left alone for so long

resting: dict[str, float] = {}


def seen(arrivals: Sequence[Arrival]) -> set[str]:
    """The markers of those that Redis knows to be stored."""
    if time.monotonic() < resting.get("until", 0.0):
        return set()
    markers = [arrival.marker for arrival in arrivals]
    try:
        known = quick().mget(markers)
    except redis.RedisError as error:
        rest(error)
        return set()
    return {marker for marker, value in zip(markers, known, strict=True) if value}


def ring(stored: Sequence[tuple[Arrival, int]]) -> None:
    """Tell the dispatcher; what cannot be told now is swept a little later."""
    if not stored or time.monotonic() < resting.get("until", 0.0):
        return
    try:
        facts = [fact(arrival, update_id) for arrival, update_id in stored]
        publish(quick(), facts, [arrival.marker for arrival, _ in stored], REMEMBER_S)
    except redis.RedisError as error:
        rest(error)


def fact(arrival: Arrival, update_id: int) -> events.Wire:
    """Its row is written by the dispatcher."""
    key = events.received(update_id)
    return events.words(
        Event.Type.MESSAGE_RECEIVED.value,
        key,
        arrival.ids,
        (arrival.channel.tenant_id, arrival.conversation_id, arrival.customer_id),
        datetime.now(UTC),
        {"update_id": update_id, "channel": arrival.channel.slug},
        events.id_of(key),
    )


def rest(error: Exception) -> None:
    log.warning("bus silent, intake goes on", extra={"error": type(error).__name__})
    resting["until"] = time.monotonic() + REST_S
