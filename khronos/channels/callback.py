"""Answers by callback: signed JSON to the address that a site's operator gave (docs/web-channel.md)."""

import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from khronos.channels.addresses import address_of, target_of
from khronos.channels.base import Bare, Button
from khronos.channels.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from khronos.exceptions import (
    Ambiguous,
    Blocked,
    Permanent,
    Throttled,
    Transient,
    Unauthorized,
    Vanished,
)
from khronos.http import Unanswered, Unsent, pool
from khronos.http.inlet import Reply
from khronos.http.waits import asked_wait_s
from khronos.observability.tracing import outgoing

CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 10.0
IDEMPOTENCY_HEADER = "Idempotency-Key"
DRAINED_BYTES = 4096  # a short body is read, so that the connection serves again
RETRY_AFTER_MAX_S = 3600.0


class NotFound(Permanent):
    pass


class CallbackTransport(Bare):
    text_limit = 32_000
    can_edit = True
    brings_files = True

    def __init__(self, url: str, secret: str) -> None:
        self.guard = f"callback:{url.partition('//')[2].partition('/')[0]}"
        self._url = url
        self._secret = secret

    def send(
        self, chat_id: str, text: str, *, plain: bool = False, key: str = "", buttons: Sequence[Button] = ()
    ) -> str:
        """The key makes a repeat harmless; it is the message's id from then on."""
        key = key or uuid.uuid4().hex
        said = {"type": "message", "chat": chat_id, "text": text, "format": form(plain)}
        self._post(key, said | offered(buttons))
        return key

    def edit(
        self,
        chat_id: str,
        message_id: str,
        text: str,
        *,
        plain: bool = False,
        buttons: Sequence[Button] = (),
    ) -> None:
        change = {"type": "edit", "chat": chat_id, "message_id": message_id}
        try:
            self._post(uuid.uuid4().hex, change | {"text": text, "format": form(plain)} | offered(buttons))
        except NotFound as error:
            raise Vanished(str(error)) from None

    def typing(self, chat_id: str) -> None:
        self._post(uuid.uuid4().hex, {"type": "typing", "chat": chat_id})

    def _post(self, key: str, fields: dict[str, Any]) -> None:
        if not self._secret:
            raise Unauthorized("the channel has no secret to sign with")
        body = json.dumps({"id": key, **fields}).encode()
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Khronos",
            IDEMPOTENCY_HEADER: key,
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: sign(self._secret, timestamp, body),
            **outgoing(),
        }
        judge(post(self._url, body, headers))


def form(plain: bool) -> str:
    return "plain" if plain else "markdown"


def offered(buttons: Sequence[Button]) -> dict[str, Any]:
    return {"buttons": [each._asdict() for each in buttons]} if buttons else {}


def post(url: str, body: bytes, headers: dict[str, str], allowed: Sequence[str] | None = None) -> Reply:
    """No redirect is followed."""
    target = target_of(url)
    if allowed is None:
        allowed = settings.WEB_CALLBACK_PRIVATE_NETWORKS
    server = pool(target.origin, address_of(target.host, target.port, allowed))
    try:
        return server.request(
            "POST",
            target.path,
            headers.items(),
            body,
            connect_timeout=CONNECT_TIMEOUT_S,
            timeout=CONNECT_TIMEOUT_S + READ_TIMEOUT_S,
            most_bytes=DRAINED_BYTES,
            status_only=True,
        )
    except Unsent as error:
        raise Transient(f"cannot connect to {target.host}: {error}") from None
    except Unanswered as error:
        raise Ambiguous(f"{target.host} did not answer: {error}") from None


def judge(reply: Reply) -> None:
    status = reply.status
    if 200 <= status < 300 or status == 409:  # 409: this key is there already, which proves delivery
        return
    said = f"the callback answered {status}"
    if status == 429:
        raise Throttled(said, wait_s(reply))
    if status in (408, 425) or (status == 503 and reply.header("retry-after")):
        raise Transient(said, wait_s(reply))
    if status >= 500:
        raise Ambiguous(said)
    if status in (401, 403):
        raise Unauthorized(said)
    if status == 404:
        raise NotFound(said)
    if status == 410:
        raise Blocked("the callback answered 410: the visitor has gone")
    raise Permanent(said)


def wait_s(reply: Reply) -> float | None:
    """A site may not keep its answers from us for as long as it likes."""
    asked_s = asked_wait_s(reply)
    return None if asked_s is None else min(asked_s, RETRY_AFTER_MAX_S)
