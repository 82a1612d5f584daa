"""Signs of life. Every process that works calls `beat(role)` from its loop, however often it likes.

Redis holds who is alive, across machines, for /ready; a file under KHRONOS_HOME tells our supervisor.
A dead Redis or a full disk stops no work: nobody hears the beat, that is all.

A loop that turns proves little. So canaries fly through every queue and over the bus; and a worker whose
threads get nothing done gives its supervisor no sign, however well its loop turns (docs/processes.md).
"""

import contextlib
import os
import socket
import time
import uuid
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import kombu.exceptions
import redis
from celery import current_app, signals
from django.conf import settings

EVERY_S = 2.0
ALIVE_S = 15  # a process silent for longer is not counted
KEY = "khronos:heartbeat:{role}"

CANARY = "khronos.canary"  # the task; the workers have it from khronos/observability/health.py
CANARIES = "khronos:canaries"
CANARY_EVERY_S = 10
CANARY_LATE_S = 60
BUS, READERS = "inbox.message.received", "dispatcher"  # a stream, and the group that reads it
RING_ROWS = 16  # one ring brings a worker at most so many

# The server's clock: those of the machines differ. Members that fell silent go with every beat.
BEAT = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')
redis.call('EXPIRE', KEYS[1], ARGV[2])
for number = 4, #ARGV do
    redis.call('HSET', KEYS[2], 'done ' .. ARGV[number], now)
    redis.call('HDEL', KEYS[2], 'since ' .. ARGV[number])
    redis.call('EXPIRE', KEYS[2], ARGV[3])
end
"""
COUNT = """
local now = tonumber(redis.call('TIME')[1])
return redis.call('ZCOUNT', KEYS[1], now - tonumber(ARGV[1]), '+inf')
"""
NEWEST = """
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
return last and redis.call('TIME')[1] - last
"""

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

last_beats: dict[str, float] = {}
places_done: set[str] = set()  # queues of which this process has done a job since its last beat


@lru_cache
def client() -> "redis.Redis":
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.8, socket_connect_timeout=0.8, max_connections=16
    )


def beat(role: str) -> None:
    now = time.monotonic()
    if now - last_beats.get(role, -EVERY_S) < EVERY_S:
        return
    last_beats[role] = now
    if hands.are_free():
        touch()
    done = list(places_done)
    places_done.difference_update(done)
    with contextlib.suppress(redis.RedisError):
        keys = (KEY.format(role=role), CANARIES)
        client().eval(BEAT, len(keys), *keys, member(), str(ALIVE_S), str(CANARY_LATE_S), *done)
        if role == READERS:
            send_canaries()


def touch() -> None:
    """For the supervisor alone."""
    with contextlib.suppress(OSError):
        pulse_file().touch()


def alive(role: str) -> int:
    """How many processes of this role gave a sign of life lately. Raises what Redis raises."""
    return int(str(client().eval(COUNT, 1, KEY.format(role=role), str(ALIVE_S))))


def member() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


@lru_cache
def pulse_file() -> Path:
    folder = Path(settings.KHRONOS_HOME) / "run" / "heartbeats"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / os.environ.get("KHRONOS_PROCESS", "manage")


class Hands:
    """Do the threads of this process get anything done? A job of ours waits its turn among theirs."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.submit: Callable[[Callable[[], None]], object] | None = None
        self.asked_at = 0.0
        self.is_asked = False

    def are_free(self) -> bool:
        """False when the job has waited for longer than any work may take. No threads, no doubts."""
        if self.submit is None:
            return True
        if not self.is_asked:
            self.is_asked, self.asked_at = True, self.clock()
            self.submit(self.answer)
        return self.clock() - self.asked_at < patience_s()

    def answer(self) -> None:
        self.is_asked = False


def patience_s() -> float:
    """Twice all that one answer may wait for; where few threads answer a ring of many, many times that."""
    deadlines_s: float = sum(breaker["timeout_s"] for breaker in settings.BREAKERS.values())
    return 2 * deadlines_s * max(1.0, RING_ROWS / settings.AGENT_THREADS)


hands = Hands()


@signals.worker_ready.connect
def watch(sender: Any, **_: Any) -> None:
    hands.submit = lambda job: sender.pool.apply_async(job, callback=lambda _: None)


@signals.task_success.connect
def note(sender: Any, **_: Any) -> None:
    """Any job shows that its queue moves; a canary sees to it that there is one."""
    if queue := (sender.request.delivery_info or {}).get("routing_key"):
        places_done.add(queue)


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
    """Answers the entry that is to be read."""
    wire = dict.fromkeys(("trace_id", "tenant_id", "conversation_id", "customer_id", "timestamp"), "")
    wire |= {"event": BUS, "event_id": str(uuid.uuid4()), "idempotency_key": "canary", "payload": "{}"}
    entry: Any = client().xadd(BUS, wire)  # type: ignore[arg-type]
    return bytes(entry)


def hear_from_bus() -> None:
    """Read and acknowledged: the group is past the entry and has nothing of it in hand."""
    entry: Any = client().hget(CANARIES, "entry")
    if entry is None:
        return
    if is_done_with(entry):
        client().hdel(CANARIES, "entry")
        places_done.add(BUS)


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


def newest_beat_s(role: str) -> float | None:
    """How long ago any process of this role gave a sign of life; None: none did lately."""
    found: Any = client().eval(NEWEST, 1, KEY.format(role=role))
    return max(0.0, float(found)) if found is not None else None


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
