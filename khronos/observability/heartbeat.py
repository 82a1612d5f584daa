"""Signs of life. Every process that works calls `beat(role)` from its loop, however often it likes.

Redis holds who is alive, across machines, for /ready; a file under KHRONOS_HOME tells our supervisor.
A dead Redis or a full disk stops no work: nobody hears the beat, that is all.
"""

import contextlib
import os
import socket
import time
from functools import lru_cache
from pathlib import Path

import redis
from django.conf import settings

EVERY_S = 2.0
ALIVE_S = 15  # a process silent for longer is not counted
KEY = "khronos:heartbeat:{role}"

# The server's clock: those of the machines differ. Members that fell silent go with every beat.
BEAT = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""
COUNT = """
local now = tonumber(redis.call('TIME')[1])
return redis.call('ZCOUNT', KEYS[1], now - tonumber(ARGV[1]), '+inf')
"""

last_beats: dict[str, float] = {}


@lru_cache
def client() -> "redis.Redis":
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.8, socket_connect_timeout=0.8, max_connections=4
    )


def beat(role: str) -> None:
    now = time.monotonic()
    if now - last_beats.get(role, -EVERY_S) < EVERY_S:
        return
    last_beats[role] = now
    touch()
    with contextlib.suppress(redis.RedisError):
        client().eval(BEAT, 1, KEY.format(role=role), member(), str(ALIVE_S))


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
