"""A lean HTTP/1.1 client: kept connections, exact deadlines, and a plain word on what a failure means.

Unsent       not one whole request left this machine: surely not done
Unanswered   the request left, no whole answer came back: it may have been done

It exists because the usual clients cost more than the work around them, bound each read but not the whole
call, and do not say whether a request that failed had gone out.
"""

import os
import select
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from http.client import HTTPException, HTTPResponse
from urllib.parse import urlsplit
from weakref import WeakSet

from khronos.database import give_back
from khronos.exceptions import Misconfigured
from khronos.http.dial import dial, left
from khronos.http.inlet import Inlet, Reply, Sink, TooLarge, poured, short_body, whole_body

IDLE_S = 30.0  # most servers and middle boxes close an idle connection after a minute or more
BODY_MAX_BYTES = 32 * 1024 * 1024


class Unsent(Exception):
    pass


class Unanswered(Exception):
    def __init__(self, reason: str, timed_out: bool = False, too_large: bool = False) -> None:
        super().__init__(reason)
        self.timed_out = timed_out
        self.too_large = too_large


class Connection:
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._used_at = time.monotonic()
        self.is_fresh = True

    def is_old(self) -> bool:
        return time.monotonic() - self._used_at > IDLE_S

    def is_stale(self) -> bool:
        """An idle connection that has something to read has been closed by the other side."""
        if self.is_old():
            return True
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return bool(poll.poll(0))

    def write(self, request: bytes, deadline: float) -> None:
        self._sock.settimeout(left(deadline))
        self._sock.sendall(request)

    def read(
        self, method: str, deadline: float, most_bytes: int, sink: Sink | None, status_only: bool
    ) -> tuple[Reply, bool]:
        """The answer, and whether the connection can be used again."""
        response = HTTPResponse(Inlet(self._sock, deadline), method=method)  # type: ignore[arg-type]
        is_read = True
        try:
            response.begin()
            if status_only:
                body, is_read = short_body(response, most_bytes)
            elif sink is not None and response.status == 200:
                body = poured(response, most_bytes, sink)
            else:
                body = whole_body(response, most_bytes)
            reply = Reply(response.status, response.getheaders(), body)
            keep = is_read and not response.will_close
        finally:
            response.close()
        self._used_at = time.monotonic()
        self.is_fresh = False
        return reply, keep

    def close(self) -> None:
        self._sock.close()


@contextmanager
def unanswered_if_broken(connection: Connection) -> Iterator[None]:
    try:
        yield
    except (OSError, HTTPException, ValueError) as error:
        connection.close()
        reasons = isinstance(error, TimeoutError), isinstance(error, TooLarge)
        raise Unanswered(described(error), *reasons) from None
    except BaseException:
        connection.close()
        raise


pools: "WeakSet[Pool]" = WeakSet()


class Pool:
    """The kept connections to one server; threads share it, each connection serves one call at a time.

    With an `address` nobody asks what the name means: it was looked up, and found to be allowed.
    """

    def __init__(self, url: str, address: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Misconfigured(f"{url!r} is no web address.\n  Fix: write it as https://host.")
        self.parts, self.address = parts, address
        self.host = parts.netloc.rpartition("@")[2]
        self._idle: deque[Connection] = deque()
        pools.add(self)

    def request(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        *,
        connect_timeout: float,
        timeout: float,
        most_bytes: int = BODY_MAX_BYTES,
        sink: Sink | None = None,
        status_only: bool = False,
    ) -> Reply:
        """One call, within `timeout` seconds from first to last. Raises Unsent or Unanswered.

        With a `sink` the body of a 200 goes there as it comes, whole or not. For `status_only` a body that is
        too large, or does not come, is no failure.

        Whoever waits for the outside world holds no connection to the database meanwhile.
        """
        give_back()
        deadline = time.monotonic() + timeout
        request = encoded(method, target, self.host, headers, body)
        connection = self._sent(request, connect_timeout, deadline)
        with unanswered_if_broken(connection):
            reply, keep = connection.read(method, deadline, most_bytes, sink, status_only)
        self._part_from(connection, keep)
        return reply

    def _sent(self, request: bytes, connect_timeout: float, deadline: float) -> Connection:
        """A connection that has taken the whole request.

        A write that fails has not delivered the request's last byte, so nobody acts on it: on a connection
        that was kept too long another one is tried, and that is no repeat.
        """
        while True:
            try:
                connection = self._kept() or self._new(connect_timeout, deadline)
            except OSError as error:
                raise Unsent(described(error)) from None
            try:
                connection.write(request, deadline)
            except OSError as error:
                connection.close()
                if connection.is_fresh:
                    raise Unsent(described(error)) from None
            except BaseException:
                connection.close()
                raise
            else:
                return connection

    def _new(self, connect_timeout: float, deadline: float) -> Connection:
        return Connection(dial(self.parts, connect_timeout, deadline, self.address))

    def _kept(self) -> Connection | None:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not connection.is_stale():
                return connection
            connection.close()

    def _part_from(self, connection: Connection, keep: bool) -> None:
        if keep:
            self._idle.append(connection)
            self._retire_one()
        else:
            connection.close()

    def _retire_one(self) -> None:
        """The last used is used next, so what a rush has left over grows old at the other end."""
        with suppress(IndexError):
            oldest = self._idle.popleft()
            if oldest.is_old():
                oldest.close()
            else:
                self._idle.appendleft(oldest)

    def close(self) -> int:
        """Close all idle connections, and answer how many; the pool can be used again."""
        count = 0
        with suppress(IndexError):
            while True:
                self._idle.pop().close()
                count += 1
        return count


def encoded(method: str, target: str, host: str, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    head = "\r\n".join(lines)
    breaks = head.count("\r\n"), head.count("\r"), head.count("\n")
    if set(breaks) != {len(lines) - 1} or " " in target:
        raise Unsent("a header or the path holds a line break")
    return head.encode("latin-1", "replace") + b"\r\n\r\n" + body


@lru_cache
def pool(url: str, address: str = "") -> Pool:
    """The process's pool for a server, named by scheme, host and port, and where it was found to be."""
    return Pool(url, address)


def close_all() -> int:
    """Close every connection that is kept in this process; answers how many."""
    return sum(each.close() for each in list(pools))


os.register_at_fork(after_in_child=close_all)  # the parent goes on speaking over its own ends


def described(error: Exception) -> str:
    """Without the request: its path may hold a token."""
    words = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
