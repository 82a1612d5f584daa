"""Passages that answer a question, best first, with where they stand (docs/knowledge.md).

`search(tenant.pk, "Posso devolver uma bota?")`: candidates by words and by meaning, judged by both.
"""

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from khronos.exceptions import Failure
from khronos.knowledge import typos
from khronos.knowledge.embedding import paying
from khronos.knowledge.embedding.chosen import embedder
from khronos.knowledge.index import index
from khronos.knowledge.scope import Scope
from khronos.knowledge.vectors import together
from khronos.knowledge.words import stem, words_of
from khronos.models import Chunk
from khronos.models.chunk import UNSEEN

if TYPE_CHECKING:
    from khronos.knowledge.embedding.base import Vector

log = logging.getLogger(__name__)

PATIENCE_S = 1.0  # with the embedder: then words alone must do
CANDIDATES = 40  # by words
UNSEEN_MAX = 1000
CLOSEST = 40  # by meaning, which are judged with the ones that were found by words
POSTINGS_MAX = 4000  # chunks that the index ranks: words that stand everywhere tell little and cost much
WORDS_WEIGH = 0.4  # of a whole match of words, beside the cosine
SURPRISE = (
    1.5  # a power: in another language a few words are alike by chance, and must not outweigh the meaning
)
SATURATION = 0.4  # a word that stands there often is no better than one that stands there twice
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


def search(tenant: int, question: str, most: int = 5, kind: str = "knowledge") -> list[Passage]:
    """Nothing of another tenant. An embedder that is away costs the meaning, not the answer."""
    scope = Scope(tenant, kind)
    if not Chunk.objects.filter(tenant=tenant, kind=kind).exists():
        return []
    counts = counted(scope, question)
    terms = {each: 1.0 / math.log(2.0 + count) for each, count in counts.items()}
    vector = meaning_of(tenant, question)
    found = index()
    rows = set(found.words(scope, telling(counts), CANDIDATES + unseen(tenant)))
    close: dict[int, float] = {}
    if vector is not None:
        near = found.meaning(scope, vector, embedder().name)
        close = cosines(scope, rows.union(near), vector)
        rows.update(sorted(close, key=lambda row: -close[row])[:CLOSEST])
    passages = [judged(row, scope, terms, close.get(row["pk"], 0.0)) for row in read(scope, rows)]
    return sorted(passages, key=lambda passage: -passage.score)[:most]


def unseen(tenant: int) -> int:
    """Pieces that the index of words has and nobody is shown: others must not lose their places to these."""
    chunks = Chunk.objects.filter(tenant=tenant, kind=UNSEEN).order_by()
    return chunks[:UNSEEN_MAX].count()


def counted(scope: Scope, question: str) -> dict[str, int]:
    """What is looked for, and in how many chunks it stands; a misspelt word is looked for as it was meant."""
    words = {stem(word): word for word in words_of(question)}
    there = typos.known(scope.tenant, words)
    there |= typos.meant(scope.tenant, [word for each, word in words.items() if each not in there])
    return dict.fromkeys(words, 0) | there


def telling(counts: Mapping[str, int]) -> dict[str, float]:
    """The rarest words that stand anywhere; the others weigh in the judgement alone."""
    some: dict[str, float] = {}
    total = 0
    for each, count in sorted(counts.items(), key=lambda pair: pair[1]):
        total += count
        if count and (not some or total <= POSTINGS_MAX):
            some[each] = 1.0 / math.log(2.0 + count)
    return some


def meaning_of(tenant: int, question: str) -> "Vector | None":
    try:
        with paying.question(tenant, question):
            vector: Vector = embedder().embed([question], patience_s=PATIENCE_S, in_haste=True)[0]
        return vector
    except Failure as error:
        log.warning("searched by words alone", extra={"error": str(error)[:200]})
        return None


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


def judged(row: Mapping[str, Any], scope: Scope, terms: Mapping[str, float], close: float) -> Passage:
    return Passage(
        chunk=row["pk"],
        document=row["document_id"],
        title=row["document__title"],
        source=row["document__source"],
        heading=row["heading"],
        text=row["text"],
        meaning=close,
        words=share(scope.bare(row["words"]), terms),
    )


def share(words: Sequence[str], terms: Mapping[str, float]) -> float:
    """Of the weight of all that is looked for, how much stands here."""
    if not terms:
        return 0.0
    times = Counter(words)
    held = sum(weight * times[each] / (times[each] + SATURATION) for each, weight in terms.items())
    return held * (1 + SATURATION) / sum(terms.values())
