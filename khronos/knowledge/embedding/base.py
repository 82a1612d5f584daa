"""What an embedder is asked and what it answers, in one vocabulary for all of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np

    type Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]
    type Vector = np.ndarray[tuple[int], np.dtype[np.float32]]


class Embedder(Protocol):
    name: str  # of the model: vectors of another one cannot be compared

    def cost_of(self, texts: Sequence[str]) -> int | None:
        """In millionths, at most; None: it costs nothing."""

    def embed(self, texts: Sequence[str], *, patience_s: float, in_haste: bool = False) -> "Vectors":
        """A row for each text, of length 1. Raises Transient, Permanent or Unauthorized."""
