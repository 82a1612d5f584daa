"""A chat service behind an address: one call, and what became of it in our words (docs/channels.md).

said = Service("https://graph.example", bearer(token)).send("/messages", {"to": chat_id, "text": text})
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from khronos.exceptions import (
    Ambiguous,
    Failure,
    Oversized,
    Permanent,
    Throttled,
    Transient,
    Unauthorized,
    Vanished,
)
from khronos.http import BODY_MAX_BYTES, Unanswered, Unsent, pool
from khronos.http.inlet import Reply, Sink
from khronos.http.vendors import decoded, message_of
from khronos.http.waits import asked_wait_s
from khronos.observability.tracing import outgoing

CONNECT_S = 3.0
SAYS_MAX = 300  # characters of a refusal


class Service:
    """Raises the failures of khronos/exceptions.py, and nothing else."""

    def __init__(self, base_url: str, headers: Mapping[str, str], timeout_s: float = 10.0) -> None:
        base = urlsplit(base_url)
        self._pool = pool(f"{base.scheme}://{base.netloc}")
        self._path = base.path.rstrip("/")
        self._headers = {"Accept": "application/json", "User-Agent": "Khronos"} | dict(headers)
        self._timeout_s = timeout_s

    def send(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What must not happen twice: without a clear answer it is Ambiguous, and not repeated blindly."""
        reply = self.ask("POST", path, json.dumps(body).encode(), repeatable=False)
        return understood(reply, repeatable=False)

    def get(self, path: str) -> dict[str, Any]:
        return understood(self.ask("GET", path), repeatable=True)

    def pour(self, path: str, most_bytes: int, sink: Sink) -> None:
        """A file, as it comes. Raises Vanished where it is gone, Oversized."""
        reply = self.ask("GET", path, most_bytes=most_bytes, sink=sink)
        if reply.status in (404, 410):
            raise Vanished(f"file: {reply.status}")
        if reply.status != 200:
            raise failure_of(reply, repeatable=True)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        repeatable: bool = True,
        sink: Sink | None = None,
        most_bytes: int = BODY_MAX_BYTES,
    ) -> Reply:
        headers = self._headers | ({"Content-Type": "application/json"} if body else {}) | outgoing()
        try:
            return self._pool.request(
                method,
                self._path + path,
                headers.items(),
                body,
                connect_timeout=CONNECT_S,
                timeout=self._timeout_s,
                sink=sink,
                most_bytes=most_bytes,
            )
        except Unsent as error:
            raise Transient(f"cannot connect: {error}") from None
        except Unanswered as error:
            if error.too_large:
                raise Oversized(str(error)) from None
            raise (Transient if repeatable else Ambiguous)(f"no answer: {error}") from None


def understood(reply: Reply, *, repeatable: bool) -> dict[str, Any]:
    if not 200 <= reply.status < 300:
        raise failure_of(reply, repeatable=repeatable)
    said = decoded(reply) if reply.body else {}
    if not isinstance(said, dict):
        raise (Transient if repeatable else Ambiguous)("an answer that cannot be read")
    return said


def failure_of(reply: Reply, *, repeatable: bool) -> Failure:
    reason = f"{reply.status} {message_of(decoded(reply))[:SAYS_MAX]}".strip()
    wait_s = asked_wait_s(reply)
    if reply.status == 429:
        return Throttled(reason, wait_s)
    if reply.status in (408, 425) or (reply.status == 503 and wait_s):
        return Transient(reason, wait_s)
    if reply.status >= 500:
        return Transient(reason, wait_s) if repeatable else Ambiguous(reason)
    return Unauthorized(reason) if reply.status in (401, 403) else Permanent(reason)
