"""A hosted model, asked as OpenAI's transcriptions are; many other servers speak the same."""

import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

import orjson
from django.conf import settings

from khronos.agents.providers.errors import failure_of
from khronos.exceptions import Transient, Unauthorized
from khronos.http import Unanswered, Unsent, pool
from khronos.media.transcribing.base import Recording
from khronos.observability.tracing import outgoing

PATH = "/audio/transcriptions"


class HostedTranscriber:
    """One call, one answer. Retries belong to the turn."""

    def transcribe(self, recording: Recording) -> str:
        key = settings.TRANSCRIBER_API_KEY.strip()
        if not key or not key.isascii() or not key.isprintable():
            raise Unauthorized("there is no key, or none that can be sent: TRANSCRIBER_API_KEY")
        fields = {"model": settings.TRANSCRIBER_MODEL, "response_format": "json"}
        if recording.language:
            fields["language"] = recording.language
        boundary = secrets.token_hex(16)
        status, headers, body = post(
            key, boundary, form(boundary, fields, recording), settings.BREAKERS["transcriber"]["timeout_s"]
        )
        if status != 200:
            raise failure_of(status, decoded(body), headers)
        answer = decoded(body)
        text = answer.get("text") if isinstance(answer, dict) else None
        if not isinstance(text, str):
            raise Transient("an answer that cannot be read")
        return text.replace("\x00", "").strip()


def post(key: str, boundary: str, body: bytes, timeout_s: float) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(settings.TRANSCRIBER_BASE_URL)
    headers = [
        ("Authorization", f"Bearer {key}"),
        ("Content-Type", f"multipart/form-data; boundary={boundary}"),
        *outgoing().items(),
    ]
    try:
        reply = pool(f"{parts.scheme}://{parts.netloc}").request(
            "POST",
            parts.path.rstrip("/") + PATH,
            headers,
            body,
            connect_timeout=settings.PROVIDER_CONNECT_TIMEOUT_S,
            timeout=timeout_s,
        )
    except (Unsent, Unanswered) as error:
        raise Transient(f"no answer: {error}") from None
    return reply.status, {name.lower(): value for name, value in reply.headers}, reply.body


def form(boundary: str, fields: Mapping[str, str], recording: Recording) -> bytes:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{recording.name}"\r\n'
        f"Content-Type: {recording.media_type}\r\n\r\n"
    )
    return b"".join([*parts, head.encode(), recording.raw, f"\r\n--{boundary}--\r\n".encode()])


def decoded(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except ValueError:
        return None
