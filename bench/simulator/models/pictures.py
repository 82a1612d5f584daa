"""Pictures in a prompt, checked as the real APIs check them; known afterwards by their hash."""

import binascii
import re
from base64 import b64decode
from hashlib import sha256

from bench.simulator.models.dialect import ModelError

MAX_BYTES = 5 * 1024 * 1024  # as it is sent: after base64
BEGINNINGS = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
ADDRESS = re.compile(r"data:(image/\w+);base64,(.+)", re.DOTALL)


def seen(media_type: str, data: str) -> str:
    if len(data) > MAX_BYTES:
        raise ModelError(400, f"image exceeds 5 MB maximum: {len(data)} bytes > {MAX_BYTES} bytes")
    beginning = BEGINNINGS.get(media_type)
    if beginning is None:
        raise ModelError(400, f"media_type: {media_type} is none of {', '.join(BEGINNINGS)}")
    try:
        raw = b64decode(data, validate=True)
    except binascii.Error:
        raise ModelError(400, "image: invalid base64 data") from None
    if not beginning.match(raw):
        raise ModelError(400, f"image was specified using the {media_type} media type, but is not one")
    return sha256(raw).hexdigest()


def seen_at(address: str) -> str:
    found = ADDRESS.fullmatch(address)
    if found is None:
        raise ModelError(400, "Invalid image_url: only data addresses are simulated")
    return seen(found[1], found[2])
