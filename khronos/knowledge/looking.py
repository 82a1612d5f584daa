"""What passages are judged by: the words of a question, and its meaning (docs/knowledge.md)."""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from khronos.exceptions import Failure
from khronos.knowledge.asking import Wording
from khronos.knowledge.embedding import paying
from khronos.knowledge.embedding.chosen import embedder
from khronos.knowledge.passage import SURPRISE
from khronos.knowledge.terms import Terms, share

if TYPE_CHECKING:
    from khronos.knowledge.embedding.base import Vector, Vectors

log = logging.getLogger(__name__)

PATIENCE_S = 1.0  # with the embedder: then words alone must do


@dataclass(frozen=True, slots=True)
class Look:
    """For a question. Its first wording is its own; another one has what was said before, and counts too."""

    weights: Sequence[float]
    terms: Sequence[Mapping[str, float]]
    vectors: "Vectors | None"

    @property
    def vector(self) -> "Vector | None":
        """The mean of all: its product with a passage's is the mean of their cosines."""
        if self.vectors is None:
            return None
        mean: Vector = np.average(self.vectors, axis=0, weights=self.weights).astype(np.float32)
        return mean

    def shares(self, words: Sequence[str]) -> tuple[float, float]:
        """Of its words, how much stands here: the mean of all wordings, by what it adds; and its own."""
        held = [share(words, terms) for terms in self.terms]
        total = sum(
            weight * math.pow(each, SURPRISE) for weight, each in zip(self.weights, held, strict=True)
        )
        return math.pow(total / sum(self.weights), 1 / SURPRISE), held[0]


def looks(
    tenant: int, parts: Sequence[Sequence[Wording]], terms: Terms, is_mended: bool = False
) -> Iterator[Look]:
    """All are embedded in one call; mended, as misspelt words were meant."""
    texts = [way.text for ways in parts for way in ways]
    vectors = meanings(tenant, [terms.mended(text) for text in texts] if is_mended else texts)
    begins = 0
    for ways in parts:
        ends = begins + len(ways)
        yield Look(
            [way.weight for way in ways],
            [terms.of(way.text) for way in ways],
            None if vectors is None else vectors[begins:ends],
        )
        begins = ends


def meanings(tenant: int, texts: Sequence[str]) -> "Vectors | None":
    try:
        with paying.question(tenant, texts):
            return embedder().embed(texts, patience_s=PATIENCE_S, in_haste=True)
    except Failure as error:
        log.warning("searched by words alone", extra={"error": str(error)[:200]})
        return None
