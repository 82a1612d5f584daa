"""Files within a message of the web channel: what is said of them, and their bytes (docs/web-channel.md)."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from khronos.channels.base import Content
from khronos.channels.web_reading import clean, load
from khronos.exceptions import Oversized, Unreadable

FILES_MAX = 4  # of a message
NAME_MAX = 300  # characters: the columns of an attachment
MEDIA_TYPE_MAX = 100
SECONDS_MAX = 86_400
KINDS = {
    "image": ("photo", Content.PHOTO),
    "audio": ("audio", Content.VOICE),
    "video": ("video", Content.VIDEO),
}
DOCUMENT = ("document", Content.DOCUMENT)

type Media = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A message without the bytes of its files, and those of each file that came whole, by its number."""

    raw: bytes
    files: Mapping[int, bytes] = field(default_factory=dict)


def unpacked(raw: bytes) -> Unpacked:
    """What cannot be understood stays as it came. Raises Oversized for too many files."""
    if b'"files"' not in raw:
        return Unpacked(raw)
    try:
        body = load(raw)
        given = body.get("files")
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
            return Unpacked(raw)
        if len(given) > FILES_MAX:
            raise Oversized(f"more than {FILES_MAX} files")
        found = {number: bytes_of(each) for number, each in enumerate(given)}
        files = {number: content for number, content in found.items() if content is not None}
        said = [without_bytes(each, len(files.get(number, b""))) for number, each in enumerate(given)]
        return Unpacked(json.dumps(body | {"files": said}).encode(), files)
    except (Unreadable, RecursionError):
        return Unpacked(raw)


def bytes_of(file: Media) -> bytes | None:
    """None where it did not come whole."""
    data = file.get("data")
    try:
        return base64.b64decode(data, validate=True) if isinstance(data, str) else None
    except (binascii.Error, ValueError):
        return None


def without_bytes(file: Media, size: int) -> Media:
    return {name: value for name, value in file.items() if name != "data"} | {"size": size}


def files_of(body: Mapping[str, Any]) -> tuple[Content, Media] | None:
    """As messages hold them: the first, with all others behind it. Raises Unreadable."""
    given = body.get("files")
    if given is None or given == []:
        return None
    if not isinstance(given, list) or len(given) > FILES_MAX:
        raise Unreadable(f"files is no list of at most {FILES_MAX}")
    (content, first), *more = [described(number, file) for number, file in enumerate(given)]
    return content, first | ({"more": [media for _content, media in more]} if more else {})


def described(number: int, file: Any) -> tuple[Content, Media]:
    if not isinstance(file, dict):
        raise Unreadable(f"files[{number}] is no object")
    media_type = clean(file.get("media_type"), MEDIA_TYPE_MAX).partition(";")[0].strip().lower()
    kind, content = KINDS.get(media_type.partition("/")[0], DOCUMENT)
    media: Media = {"kind": kind, "file_id": str(number), "file_size": natural(file.get("size"))}
    named = {"file_name": clean(file.get("name"), NAME_MAX), "mime_type": media_type}
    media |= {name: value for name, value in named.items() if value}
    if seconds := min(natural(file.get("seconds")), SECONDS_MAX):
        media["duration"] = seconds
    return content, media


def natural(value: Any) -> int:
    """What is no such number is none: nobody's message fails for it."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**53
    return int(value) if is_number else 0
