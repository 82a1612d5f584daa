"""Providers behind an address: JSON over our own HTTP client, within one deadline (docs/models.md)."""

import time
import zlib
from collections.abc import Mapping
from dataclasses import replace
from json import JSONEncoder
from typing import Any, ClassVar
from urllib.parse import urlsplit

import orjson
from django.conf import settings

from khronos.agents.providers.answers import Said, asks_of, words_of
from khronos.agents.providers.base import Completion, Prompt
from khronos.agents.providers.errors import Wordless, failure_of
from khronos.exceptions import Refused, Transient, Unauthorized
from khronos.http import BODY_MAX_BYTES, Unanswered, Unsent, pool
from khronos.http.inlet import Reply
from khronos.observability.tracing import outgoing

GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
HEADERS = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "Khronos"}
# Not orjson, which refuses numbers of more than 64 bits: an operator's schema of a tool may hold one.
encoded = JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class HostedProvider:
    """One call, one answer. Retries belong to the turn."""

    name: ClassVar[str]
    path: ClassVar[str]
    limit_header: ClassVar[str]  # how many requests a minute we may make

    def __init__(self) -> None:
        key = usable(getattr(settings, f"{self.name.upper()}_API_KEY"))
        base = urlsplit(getattr(settings, f"{self.name.upper()}_BASE_URL"))
        self._headers = HEADERS | self.signed(key)
        self._pool = pool(f"{base.scheme}://{base.netloc}")
        self._target = base.path.rstrip("/") + self.path
        self._timeout_s: float = settings.PROVIDER_TOTAL_TIMEOUT_S[self.name]

    @staticmethod
    def signed(key: str) -> dict[str, str]:
        """The headers that show our key."""
        raise NotImplementedError

    def request(self, prompt: Prompt) -> dict[str, Any]:
        raise NotImplementedError

    def read(self, answer: dict[str, Any]) -> Said:
        raise NotImplementedError

    def complete(self, prompt: Prompt) -> Completion:
        body = self.request(prompt)
        started = time.monotonic()
        reply = self._post(body, prompt.patience_s)
        duration_ms = round((time.monotonic() - started) * 1000)
        content = understood(reply)
        said = self.read(content)
        asks = asks_of(prompt, said.stop_reason, said.asks) if said.asks else ()
        completion = Completion(
            text=said.text,
            provider=self.name,
            model=str(content.get("model") or body["model"]),
            input_tokens=said.input_tokens,
            output_tokens=said.output_tokens,
            stop_reason=said.stop_reason,
            duration_ms=duration_ms,
            asks=asks,
            requests_per_minute=number(reply.header(self.limit_header)),
            cached_read_tokens=said.cached_read_tokens,
            cached_write_tokens=said.cached_write_tokens,
        )
        try:
            return replace(completion, text=words_of(replace(said, asks=asks), prompt.language))
        except Wordless as error:
            error.answer = completion
            raise

    def _post(self, body: Mapping[str, Any], patience_s: float) -> Reply:
        try:
            return self._pool.request(
                "POST",
                self._target,
                (self._headers | outgoing()).items(),
                encoded(body).encode(),
                connect_timeout=settings.PROVIDER_CONNECT_TIMEOUT_S,
                timeout=min(patience_s or self._timeout_s, self._timeout_s),
            )
        except (Unsent, Unanswered) as error:
            if patience_s and isinstance(error, Unanswered) and error.timed_out:
                raise Refused(
                    f"no answer within {patience_s:g} s, which is all that we wait for this"
                ) from None
            raise Transient(f"no answer: {error}") from None


def number(header: str | None) -> int:
    return int(header) if header and header.isdecimal() and len(header) < 10 else 0


def usable(key: str) -> str:
    key = key.strip()
    if not (key.isascii() and key.isprintable()):
        raise Unauthorized("the key holds signs that no key has")
    return key


def understood(reply: Reply) -> dict[str, Any]:
    content = decoded(reply)
    if reply.status >= 300:
        raise failure_of(reply.status, content, {name.lower(): value for name, value in reply.headers})
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
