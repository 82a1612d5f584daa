"""What bytes are, by how they begin, whatever they are called; and how large a picture is."""

import struct
from dataclasses import dataclass

JPEG, PNG, GIF, WEBP = "image/jpeg", "image/png", "image/gif", "image/webp"
PDF, ZIP = "application/pdf", "application/zip"
PICTURES = (JPEG, PNG, GIF, WEBP)

# JPEG's markers: frames, which tell the size (tables stand among them), and those without a length.
FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
BARE = {0x01, *range(0xD0, 0xD9)}


@dataclass(frozen=True, slots=True)
class Extent:
    width: int
    height: int


def kind_of(raw: bytes) -> str:
    """A media type of those above, or nothing."""
    if raw.startswith(b"\xff\xd8\xff"):
        return JPEG
    if raw.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if raw.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if raw.startswith(b"RIFF") and raw[8:12] == b"WEBP":
        return WEBP
    if raw[:1024].lstrip().startswith(b"%PDF-"):
        return PDF
    return ZIP if raw.startswith(b"PK\x03\x04") else ""


def extent_of(raw: bytes) -> Extent | None:
    """None where it cannot be told: such a picture is damaged."""
    try:
        width, height = READERS[kind_of(raw)](raw)
    except (KeyError, struct.error, IndexError):
        return None
    return Extent(width, height) if width and height else None


def of_png(raw: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", raw[16:24])
    return width, height


def of_gif(raw: bytes) -> tuple[int, int]:
    width, height = struct.unpack("<HH", raw[6:10])
    return width, height


def of_webp(raw: bytes) -> tuple[int, int]:
    form = raw[12:16]
    if form == b"VP8X":
        return int.from_bytes(raw[24:27], "little") + 1, int.from_bytes(raw[27:30], "little") + 1
    if form == b"VP8L":
        bits = int.from_bytes(raw[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack("<HH", raw[26:30])
    return width & 0x3FFF, height & 0x3FFF


def of_jpeg(raw: bytes) -> tuple[int, int]:
    at = 2
    while True:
        while raw[at] == 0xFF and raw[at + 1] == 0xFF:
            at += 1  # fill bytes
        marker = raw[at + 1]
        if raw[at] != 0xFF:
            raise IndexError("no marker where one must be")
        if marker in FRAMES:
            height, width = struct.unpack(">HH", raw[at + 5 : at + 9])
            return width, height
        at += 2 if marker in BARE else 2 + struct.unpack(">H", raw[at + 2 : at + 4])[0]


READERS = {JPEG: of_jpeg, PNG: of_png, GIF: of_gif, WEBP: of_webp}
