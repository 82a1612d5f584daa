"""Passages that answer a question, best first, with where they stand (docs/knowledge.md).

`search(tenant.pk, "Posso devolver uma bota?")`: candidates by words and by meaning, judged by both.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from khronos.exceptions import Failure
from khronos.knowledge.asking import Wording, asked
from khronos.knowledge.embedding import paying
from khronos.knowledge.embedding.chosen import embedder
from khronos.knowledge.index import Index, index
from khronos.knowledge.scope import Scope
from khronos.knowledge.terms import share, terms_of
from khronos.knowledge.vectors import together
from khronos.models import Chunk
from khronos.models.chunk import UNSEEN

if TYPE_CHECKING:
    from khronos.knowledge.embedding.base import Vector

log = logging.getLogger(__name__)

PATIENCE_S = 1.0  # with the embedder: then words alone must do
CANDIDATES = 40  # by words
UNSEEN_MAX = 1000
CLOSEST = 40  # by meaning, which are judged with the ones that were found by words
WORDS_WEIGH = 0.4  # of a whole match of words, beside the cosine
SURPRISE = (
    1.5  # a power: in another language a few words are alike by chance, and must not outweigh the meaning
)
COVERS = 0.28  # what has less does not answer the question (bench/knowledge has what that costs)
WORDS_COVER = 0.7  # where the meaning is unknown

FIELDS = (
    "pk",
    "tenant_id",
    "kind",
    "heading",
    "text",
    "words",
    "document_id",
    "document__title",
    "document__source",
)


@dataclass(frozen=True, slots=True)
class Passage:
    chunk: int
    document: int
    title: str
    source: str  # the file's name, or an address
    heading: str
    text: str
    meaning: float  # the cosine
    words: float  # 1: all words of the question stand in it

    @property
    def score(self) -> float:
        return self.meaning + WORDS_WEIGH * math.pow(self.words, SURPRISE)

    @property
    def covers(self) -> bool:
        """It is about what was asked; whoever shows less than this makes things up."""
        return self.score >= COVERS or self.words >= WORDS_COVER

    @property
    def cited(self) -> str:
        """Where it stands, for people."""
        return f"{self.title} › {self.heading}" if self.heading else self.title


@dataclass(frozen=True, slots=True)
class Look:
    """A question as passages are judged by it: its wordings weigh differently, and are one vector."""

    terms: Sequence[tuple[float, Mapping[str, float]]]  # weights of wordings, and of the words of each
    vector: "Vector | None"

    def share_of(self, words: Sequence[str]) -> float:
        """Of its words, how much stands here: the mean by what it adds to a score."""
        shares = [(each, share(words, terms)) for each, terms in self.terms]
        total = sum(each * math.pow(held, SURPRISE) for each, held in shares)
        return math.pow(total / sum(each for each, _ in shares), 1 / SURPRISE)


@dataclass(frozen=True, slots=True)
class Looks:
    telling: Mapping[str, float]  # words that any of them is looked for by
    parts: Sequence[Look]


def search(
    tenant: int, question: str, most: int = 5, kind: str = "knowledge", earlier: Sequence[str] = ()
) -> list[Passage]:
    """Nothing of another tenant. An embedder that is away costs the meaning, not the answer.

    `earlier` is what the same person asked before, the newest last: a question may lean on it.
    """
    scope = Scope(tenant, kind)
    if not Chunk.objects.filter(tenant=tenant, kind=kind).exists():
        return []
    looks = looks_of(tenant, asked(question, earlier))
    found = index()
    by_words = found.words(scope, looks.telling, CANDIDATES + unseen(tenant))
    rows = set(by_words)
    close = [closest(scope, found, by_words, part.vector) for part in looks.parts]
    for each in close:
        rows.update(sorted(each, key=lambda row: -each[row])[:CLOSEST])
    passages = [best(row, scope, looks.parts, close) for row in read(scope, rows)]
    return sorted(passages, key=lambda passage: -passage.score)[:most]


def looks_of(tenant: int, parts: Sequence[Sequence[Wording]]) -> Looks:
    terms = terms_of(tenant, " ".join(way.text for ways in parts for way in ways))
    asked = [[(way.weight, terms.of(way.text)) for way in ways] for ways in parts]
    return Looks(terms.telling(), [*map(Look, asked, meanings_of(tenant, parts))])


def unseen(tenant: int) -> int:
    """Pieces that the index of words has and nobody is shown: others must not lose their places to these."""
    chunks = Chunk.objects.filter(tenant=tenant, kind=UNSEEN).order_by()
    return chunks[:UNSEEN_MAX].count()


def meanings_of(tenant: int, parts: Sequence[Sequence[Wording]]) -> "Sequence[Vector | None]":
    """Of each the mean of its wordings' vectors: with a passage's it makes the mean of their cosines."""
    texts = [way.text for ways in parts for way in ways]
    try:
        with paying.question(tenant, texts):
            vectors = iter(embedder().embed(texts, patience_s=PATIENCE_S, in_haste=True))
    except Failure as error:
        log.warning("searched by words alone", extra={"error": str(error)[:200]})
        return [None] * len(parts)
    return [mean([next(vectors) for _ in ways], [way.weight for way in ways]) for ways in parts]


def mean(vectors: "Sequence[Vector]", weights: Sequence[float]) -> "Vector":
    found: Vector = np.average(vectors, axis=0, weights=weights).astype(np.float32)
    return found


def closest(scope: Scope, found: Index, by_words: Sequence[int], vector: "Vector | None") -> dict[int, float]:
    if vector is None:
        return {}
    return cosines(scope, {*by_words, *found.meaning(scope, vector, embedder().name)}, vector)


def cosines(scope: Scope, rows: "set[int]", vector: "Vector") -> dict[int, float]:
    """Without those that another model embedded."""
    name = embedder().name
    chunks = Chunk.objects.filter(pk__in=rows).values_list("pk", "vector", "tenant_id", "kind", "model")
    found = [(pk, raw) for pk, raw, *of in chunks if raw and of == [scope.tenant, scope.kind, name]]
    alike = together(raw for _, raw in found) @ vector if found else ()
    return {pk: float(cosine) for (pk, _), cosine in zip(found, alike, strict=True)}


def read(scope: Scope, rows: "set[int]") -> Sequence[Mapping[str, Any]]:
    """The scope is compared here: SQLite would walk through all of it, rather than look rows up."""
    chunks = Chunk.objects.filter(pk__in=rows).values(*FIELDS)
    return [row for row in chunks if (row["tenant_id"], row["kind"]) == (scope.tenant, scope.kind)]


def best(
    row: Mapping[str, Any], scope: Scope, looks: Sequence[Look], close: Sequence[Mapping[int, float]]
) -> Passage:
    """As the question that it answers best has it."""
    pairs = zip(looks, close, strict=True)
    passages = [judged(row, scope, look, each.get(row["pk"], 0.0)) for look, each in pairs]
    return max(passages, key=lambda passage: passage.score)


def judged(row: Mapping[str, Any], scope: Scope, look: Look, close: float) -> Passage:
    return Passage(
        chunk=row["pk"],
        document=row["document_id"],
        title=row["document__title"],
        source=row["document__source"],
        heading=row["heading"],
        text=row["text"],
        meaning=close,
        words=look.share_of(scope.bare(row["words"])),
    )
