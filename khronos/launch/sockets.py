"""Which ports of this machine are free, and who has the others."""

import contextlib
import errno
import random
import socket
import sys
from collections.abc import Callable

import psutil

from khronos.exceptions import Misconfigured

# Below those of outgoing connections: one could take it while its owner restarts.
INNER = range(20_000, 26_000)
claims: list[socket.socket] = []  # open for as long as this process lives, across exec too


def take(host: str, port: int) -> bool:
    """True when it is free, and from now on no other instance of ours will be told so."""
    return is_free(host, port) and claim(port)


def is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        try:
            probe.bind((host, port))
        except PermissionError:
            raise Misconfigured(f"Port {port} is the system's own.\n  Fix: set one above 1023.") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise Misconfigured(
                    f"KHRONOS_HOST {host!r} is no address of this machine ({error.strerror}).\n"
                    f"  Fix: 127.0.0.1 for this machine alone, 0.0.0.0 for all who can reach it."
                ) from None
            return False
    return True


def claim(port: int) -> bool:
    """Two instances that start at once would both find it free, and granian's SO_REUSEPORT lets both listen:
    each would get half of the other's messages. A name in Linux's abstract namespace has one owner.
    """
    if sys.platform != "linux":
        return True
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0khronos:port:{port}")
    except OSError:
        name.close()
        return False
    name.set_inheritable(True)
    claims.append(name)
    return True


def any_free(take: Callable[[str, int], bool] = take) -> int:
    candidates = random.sample(INNER, len(INNER))
    return next(port for port in candidates if take("127.0.0.1", port))


def holder_of(port: int) -> str:
    """Who listens there, as far as this user may know."""
    with contextlib.suppress(psutil.Error, OSError, RuntimeError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return "another program"
