"""Waiting for other processes, and ports for them."""

import random
import socket
import time
from collections.abc import Callable
from contextlib import suppress


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


def free_ports(count: int) -> list[int]:
    """Below the range of outgoing connections: one of those could take it while the instance restarts."""
    found: list[int] = []
    while len(found) < count:
        port = random.randint(20_000, 32_000)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            found.append(port)
    return sorted(set(found)) if len(set(found)) == count else free_ports(count)
