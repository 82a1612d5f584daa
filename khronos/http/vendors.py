"""A service behind an address and a key: one call over our own client, and its failures as ours.

answer = understood(Vendor(settings.OPENAI_BASE_URL, bearer(key)).post("/embeddings", as_json(asked), 10.0))
"""

import zlib
from collections.abc import Mapping
from json import JSONEncoder
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.conf import settings

from khronos.exceptions import Failure, Permanent, Throttled, Transient, Unauthorized
from khronos.http import BODY_MAX_BYTES, Unanswered, Unsent, pool
from khronos.http.inlet import Reply
from khronos.http.waits import asked_wait_s
from khronos.observability.tracing import outgoing

JSON = "application/json"
HEADERS = {"Accept": JSON, "User-Agent": "Khronos"}
GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
# Not orjson, which refuses numbers of more than 64 bits: an operator's schema of a tool may hold one.
encoded = JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

REASON_MAX = 300
PASSING = {408, 409, 425}
# Nothing but an operator mends these: key, rights, payment, and a model that is not there.
OPERATORS = {401, 402, 403, 404}
# The same, said with another status: Anthropic answers 400, OpenAI 429.
CLOSED = (
    "credit balance is too low",
    "reached your specified API usage limits",
    "organization has been disabled",
    "insufficient_quota",
    "billing_hard_limit",
)


class NoAnswer(Transient):
    def __init__(self, reason: object, *, timed_out: bool) -> None:
        super().__init__(f"no answer: {reason}")
        self.timed_out = timed_out


class Vendor:
    """One call, one answer: when to ask again is the caller's matter."""

    def __init__(self, base_url: str, headers: dict[str, str]) -> None:
        base = urlsplit(base_url)
        self._pool = pool(f"{base.scheme}://{base.netloc}")
        self._path = base.path.rstrip("/")
        self._headers = HEADERS | headers

    def post(self, path: str, body: bytes, timeout_s: float, media_type: str = JSON) -> Reply:
        headers = self._headers | {"Content-Type": media_type} | outgoing()
        connect_s = settings.PROVIDER_CONNECT_TIMEOUT_S
        try:
            return self._pool.request(
                "POST", self._path + path, headers.items(), body, connect_timeout=connect_s, timeout=timeout_s
            )
        except (Unsent, Unanswered) as error:
            timed_out = isinstance(error, Unanswered) and error.timed_out
            raise NoAnswer(error, timed_out=timed_out) from None


def as_json(value: Mapping[str, Any]) -> bytes:
    return encoded(value).encode()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {usable(key)}"}


def usable(key: str) -> str:
    key = key.strip()
    if not (key.isascii() and key.isprintable()):
        raise Unauthorized("the key holds signs that no key has")
    return key


def understood(reply: Reply) -> dict[str, Any]:
    content = decoded(reply)
    if reply.status >= 300:
        raise failure_of(reply, content)
    if not isinstance(content, dict):
        raise Transient("an answer that cannot be read")
    return content


def decoded(reply: Reply) -> object:
    """What it says as JSON, else as text."""
    body = reply.body
    try:
        if reply.header("content-encoding"):  # nobody asked for it
            body = zlib.decompressobj(GZIP_OR_ZLIB).decompress(body, BODY_MAX_BYTES)
        return orjson.loads(body)
    except (ValueError, zlib.error):
        return body.decode("utf-8", "replace")


def failure_of(reply: Reply, content: object) -> Failure:
    reason = f"{reply.status} {message_of(content)[:REASON_MAX]}"
    if reply.status in OPERATORS or any(words in str(content) for words in CLOSED):
        return Unauthorized(reason)
    if reply.status == 429:
        return Throttled(reason, asked_wait_s(reply))
    if reply.status in PASSING or reply.status >= 500:
        return Transient(reason, asked_wait_s(reply))
    return Permanent(reason)


def message_of(body: object) -> str:
    """Most wrap it in an `error`."""
    while isinstance(body, dict):
        body = body.get("error") or body.get("message") or ""
    return str(body or "")
