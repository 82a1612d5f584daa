"""A hosted model, asked as OpenAI's transcriptions are; many other servers speak the same."""

import secrets
from collections.abc import Mapping

from django.conf import settings

from khronos.exceptions import Transient, Unauthorized
from khronos.http.vendors import Vendor, bearer, understood
from khronos.media.transcribing.base import Recording

PATH = "/audio/transcriptions"


class HostedTranscriber:
    """One call, one answer. Retries belong to the turn."""

    def transcribe(self, recording: Recording) -> str:
        if not settings.TRANSCRIBER_API_KEY.strip():
            raise Unauthorized("there is no key: TRANSCRIBER_API_KEY")
        vendor = Vendor(settings.TRANSCRIBER_BASE_URL, bearer(settings.TRANSCRIBER_API_KEY))
        fields = {"model": settings.TRANSCRIBER_MODEL, "response_format": "json"}
        if recording.language:
            fields["language"] = recording.language
        boundary = secrets.token_hex(16)
        reply = vendor.post(
            PATH,
            form(boundary, fields, recording),
            settings.BREAKERS["transcriber"]["timeout_s"],
            f"multipart/form-data; boundary={boundary}",
        )
        text = understood(reply).get("text")
        if not isinstance(text, str):
            raise Transient("an answer that cannot be read")
        return text.replace("\x00", "").strip()


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
