"""Waiting for other processes, and ports for them."""

import os
import random
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from khronos.launch.sockets import is_free

# Below those of outgoing connections: one could take it while an instance restarts. Above its inner ones.
PORTS = range(26_000, 32_000)
IN_USE_AFTER = 64  # so many more, at the latest, a port that was chosen is in use
_told: deque[int] = deque()  # kept open, so that their names stay taken


def until(holds: Callable[[], object], timeout: float, every: float = 0.05) -> bool:
    """Look again and again, for what nobody tells of; False when the time is up."""
    deadline = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
        return True
    return False


def free_port() -> int:
    """Nobody else is told of it, in other lanes of the tests neither."""
    candidates = random.SystemRandom().sample(PORTS, len(PORTS))  # a test may have seeded the other one
    return next(port for port in candidates if is_free("127.0.0.1", port) and is_told_first(port))


def free_ports(count: int) -> list[int]:
    return [free_port() for _ in range(count)]


def is_told_first(port: int) -> bool:
    """A name in Linux's abstract namespace has one owner."""
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        if sys.platform == "linux":
            name.bind(f"\0khronos:told:{port}")
    except OSError:
        name.close()
        return False
    _told.append(name.detach())
    if len(_told) > IN_USE_AFTER:
        os.close(_told.popleft())
    return True
