"""What bytes are, whatever they are called; sizes of pictures from their heads, none of broken ones."""

import struct

import pytest

from bench.simulator.telegram.pictures import PHOTO
from khronos.media.magic import GIF, JPEG, PNG, WEBP, Extent, extent_of, kind_of


def webp(form: bytes, rest: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + form + b"\0\0\0\0" + rest


PNG_HEAD = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 640, 480)
GIF_HEAD = b"GIF89a" + struct.pack("<HH", 7, 5)
LOSSY = webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 300, 200))
LOSSLESS = webp(b"VP8L", b"\x2f" + (299 | 199 << 14).to_bytes(4, "little"))
EXTENDED = webp(b"VP8X", b"\0\0\0\0" + (299).to_bytes(3, "little") + (199).to_bytes(3, "little"))


@pytest.mark.parametrize(
    ("raw", "kind", "extent"),
    [
        (PHOTO, JPEG, Extent(16, 12)),
        (PNG_HEAD, PNG, Extent(640, 480)),
        (GIF_HEAD, GIF, Extent(7, 5)),
        (LOSSY, WEBP, Extent(300, 200)),
        (LOSSLESS, WEBP, Extent(300, 200)),
        (EXTENDED, WEBP, Extent(300, 200)),
        (PNG_HEAD[:20], PNG, None),
        (GIF_HEAD[:6] + bytes(4), GIF, None),
        (b"\xff\xd8\xff\xe0\0\x02" * 50, JPEG, None),
        (b"\xff\xd8\xff" + b"\xff" * 9, JPEG, None),
        (b"<svg width='5' height='5'/>", "", None),
        (b"", "", None),
    ],
)
def test_pictures_are_known_by_their_heads(raw: bytes, kind: str, extent: Extent | None) -> None:
    assert (kind_of(raw), extent_of(raw)) == (kind, extent)


def test_a_broken_jpeg_ends_wherever_it_is_cut() -> None:
    whole = [extent_of(PHOTO[:length]) for length in range(len(PHOTO))]
    assert set(whole) == {None, Extent(16, 12)}
    assert whole.index(Extent(16, 12)) < len(PHOTO) - 100
