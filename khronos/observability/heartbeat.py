"""Signs of life. Every process that works calls `beat(role)` from its loop, however often it likes.

Redis holds who is alive, across machines, for /ready; a file under KHRONOS_HOME tells our supervisor.
A dead Redis or a full disk stops no work: nobody hears the beat, that is all.

A loop that turns proves little. So canaries fly (canaries.py); and a worker whose threads get nothing done
gives its supervisor no sign, however well its loop turns (docs/processes.md).
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import redis
from celery import signals
from django.conf import settings

EVERY_S = 2.0
ALIVE_S = 15  # a process silent for longer is not counted
KEY = "khronos:heartbeat:{role}"

CANARIES = "khronos:canaries"
CANARY_LATE_S = 60

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

last_beats: dict[str, float] = {}
places_done: set[str] = set()  # queues of which this process has done a job since its last beat


@lru_cache
def client() -> "redis.Redis":
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.8, socket_connect_timeout=0.8, max_connections=16
    )


def beat(role: str) -> bool:
    """True when it was time for one."""
    now = time.monotonic()
    if now - last_beats.get(role, -EVERY_S) < EVERY_S:
        return False
    last_beats[role] = now
    if progress.is_made():
        touch()
    done = list(places_done)
    places_done.difference_update(done)
    with contextlib.suppress(redis.RedisError):
        keys = (KEY.format(role=role), CANARIES)
        client().eval(BEAT, len(keys), *keys, member(), str(ALIVE_S), str(CANARY_LATE_S), *done)
    return True


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


class Progress:
    """Do the threads of this process get anything done? A job of ours waits its turn among theirs.

    While it waits, each call to the outside that begins or ends, and each task, shows that they do.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.submit: Callable[[Callable[[], None]], object] | None = None
        self.asked_at = 0.0
        self.moved_at = 0.0
        self.is_asked = False

    def is_made(self) -> bool:
        """False when it waits, and nothing moved, for longer than a call may take. No threads, no doubts."""
        if self.submit is None:
            return True
        if not self.is_asked:
            self.is_asked, self.asked_at = True, self.clock()
            self.submit(self.answer)
        return self.clock() - max(self.asked_at, self.moved_at) < patience_s()

    def show(self) -> None:
        self.moved_at = self.clock()

    def answer(self) -> None:
        self.is_asked = False


def patience_s() -> float:
    """Twice the longest that one call to the outside may take."""
    longest_s: float = max(breaker["timeout_s"] for breaker in settings.BREAKERS.values())
    return 2 * longest_s


progress = Progress()


@signals.worker_ready.connect
def watch(sender: Any, **_: Any) -> None:
    progress.submit = lambda job: sender.pool.apply_async(job, callback=lambda _: None)


@signals.task_prerun.connect
def move(**_: Any) -> None:
    progress.show()


@signals.task_success.connect
def note(sender: Any, **_: Any) -> None:
    """Any job shows that its queue moves; a canary sees to it that there is one."""
    if queue := (sender.request.delivery_info or {}).get("routing_key"):
        places_done.add(queue)


def newest_beat_s(role: str) -> float | None:
    """How long ago any process of this role gave a sign of life; None: none did lately."""
    found: Any = client().eval(NEWEST, 1, KEY.format(role=role))
    return max(0.0, float(found)) if found is not None else None
