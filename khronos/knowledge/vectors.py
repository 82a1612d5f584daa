"""Vectors as rows keep them: half precision for the exact look, the signs alone for the quick one."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from khronos.knowledge.embedding.base import Vector, Vectors

# From signs to lengths of 64 bits, since that many are counted at once.
WORD = np.uint64


def packed(vector: "Vector") -> bytes:
    return vector.astype(np.float16).tobytes()


def together(raws: "Iterable[bytes | memoryview[int]]") -> "Vectors":
    """A row for each that was packed; all are of one model."""
    rows = [bytes(raw) for raw in raws]
    return np.frombuffer(b"".join(rows), np.float16).reshape(len(rows), -1).astype(np.float32)


def signs(vectors: "Vectors | Vector") -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """A bit for each number: two vectors that mean alike differ in few of them."""
    return np.packbits(vectors > 0, axis=-1)


def nearest(
    codes: "np.ndarray[tuple[int, int], np.dtype[np.uint64]]", vector: "Vector", most: int
) -> list[int]:
    """Which columns of the codes differ least, in no particular order."""
    asked = np.frombuffer(signs(vector).tobytes(), WORD)[:, None]
    differ = np.bitwise_count(codes ^ asked).sum(axis=0, dtype=np.uint16)
    if len(differ) <= most:
        return list(range(len(differ)))
    return [int(row) for row in np.argpartition(differ, most)[:most]]
