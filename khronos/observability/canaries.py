"""Canaries fly through every queue and over the bus, and show that jobs are done there (docs/processes.md).

They fly from a thread of their own: a broker that hangs keeps the dispatcher's loop from nothing.
"""

import contextlib
import threading
import uuid
from datetime import UTC, datetime
from typing import Any

import kombu.exceptions
import redis
from celery import current_app
from django.conf import settings

from khronos.observability import heartbeat
from khronos.observability.heartbeat import CANARIES, CANARY_LATE_S, client
from khronos.resilience.keeper import Keeper

CANARY = "khronos.canary"  # the task; the workers have it from khronos/observability/health.py
CANARY_EVERY_S = 10
BUS, READERS = "inbox.message.received", "dispatcher"  # a stream, and the group that reads it

# Where a canary is to fly now. One that is late is followed by others seldom: nobody may take them.
DUE = """
local now = tonumber(redis.call('TIME')[1])
local due = {}
for number = 3, #ARGV do
    local place = ARGV[number]
    local since = tonumber(redis.call('HGET', KEYS[1], 'since ' .. place) or now)
    local apart = tonumber(ARGV[math.abs(now - since) > tonumber(ARGV[2]) and 2 or 1])
    if math.abs(now - tonumber(redis.call('HGET', KEYS[1], 'sent ' .. place) or 0)) >= apart then
        redis.call('HSET', KEYS[1], 'sent ' .. place, now)
        redis.call('HSETNX', KEYS[1], 'since ' .. place, now)
        table.insert(due, place)
    end
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return due
"""
NEWS = """
local found = redis.call('HGETALL', KEYS[1])
table.insert(found, 'now')
table.insert(found, redis.call('TIME')[1])
return found
"""

flights = Keeper("canaries")
aloft = threading.Lock()  # one flight at a time, of this process


def beat() -> None:
    """The dispatcher's sign of life, which sends them too."""
    if heartbeat.beat(READERS) and aloft.acquire(blocking=False):
        flights.once(fly, after_s=0.0)


def fly() -> None:
    try:
        with contextlib.suppress(redis.RedisError):
            send_canaries()
    finally:
        aloft.release()


def send_canaries() -> None:
    """Through every queue, and over the bus. Whoever reads it calls this: see that it came, send the next."""
    hear_from_bus()
    places = [BUS, *(queue.name for queue in settings.CELERY_TASK_QUEUES)]
    due: Any = client().eval(DUE, 1, CANARIES, str(CANARY_EVERY_S), str(CANARY_LATE_S), *places)
    for place in due:
        try:
            send_canary(place.decode())
        except (redis.RedisError, kombu.exceptions.KombuError, OSError):
            client().hdel(CANARIES, f"since {place.decode()}")  # the broker is away: another check says so
            return


def send_canary(place: str) -> None:
    if place != BUS:
        current_app.send_task(CANARY, queue=place, retry=False)
        return
    client().hset(CANARIES, "entry", fly_over_bus())


def fly_over_bus() -> bytes:
    """Answers the entry that is to be read: an event like any other, of nobody."""
    wire = dict.fromkeys(("tenant_id", "conversation_id", "customer_id"), "")
    wire |= {"event": BUS, "event_id": str(uuid.uuid4()), "idempotency_key": "canary"}
    wire |= {"trace_id": uuid.uuid4().hex, "timestamp": datetime.now(UTC).isoformat(), "payload": "{}"}
    entry: Any = client().xadd(BUS, wire)  # type: ignore[arg-type]
    return bytes(entry)


def hear_from_bus() -> None:
    """Read and acknowledged: the group is past the entry and has nothing of it in hand."""
    entry: Any = client().hget(CANARIES, "entry")
    if entry is None:
        return
    if is_done_with(entry):
        client().hdel(CANARIES, "entry")
        heartbeat.places_done.add(BUS)


def is_done_with(entry: bytes) -> bool:
    with contextlib.suppress(redis.ResponseError):  # flushed: neither stream nor group
        groups: Any = client().xinfo_groups(BUS)
        past = {group["name"].decode(): group["last-delivered-id"] for group in groups}.get(READERS, b"0-0")
        return order(past) >= order(entry) and not client().xpending_range(BUS, READERS, entry, entry, 1)
    return False


def answer(to: str, place: str) -> None:
    """Whoever sent a canary of his own looks for it there."""
    with client().pipeline(transaction=False) as pipe:
        pipe.rpush(to, place)
        pipe.expire(to, CANARY_LATE_S)
        pipe.execute()


def order(entry: bytes) -> tuple[int, int]:
    ms, _, sequence = entry.partition(b"-")
    return int(ms), int(sequence)


def canaries() -> dict[str, tuple[int | None, int]]:
    """By place: how long ago a job was last done there, and how long one is awaited, in seconds."""
    flat: Any = client().eval(NEWS, 1, CANARIES)
    news = {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}
    now = int(news.pop("now"))

    def age(what: str) -> int | None:
        return abs(now - int(news[what])) if what in news else None

    places = [name.removeprefix("sent ") for name in news if name.startswith("sent ")]
    return {place: (age(f"done {place}"), age(f"since {place}") or 0) for place in sorted(places)}
