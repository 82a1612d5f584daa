"""Passages that answer a question, best first, with where they stand (docs/knowledge.md).

`search(tenant.pk, "Posso devolver uma bota?")`: candidates by words and by meaning, judged by both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from khronos.knowledge.asking import Wording, asked
from khronos.knowledge.embedding.chosen import embedder
from khronos.knowledge.index import index
from khronos.knowledge.looking import Look, looks
from khronos.knowledge.passage import Passage, scored
from khronos.knowledge.scope import Scope
from khronos.knowledge.terms import Terms, terms_of
from khronos.knowledge.vectors import together
from khronos.models import Chunk
from khronos.models.chunk import UNSEEN

if TYPE_CHECKING:
    from khronos.knowledge.embedding.base import Vector

CANDIDATES = 40  # by words
UNSEEN_MAX = 1000
CLOSEST = 40  # by meaning, which are judged with the ones that were found by words

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


def search(
    tenant: int, question: str, most: int = 5, kind: str = "knowledge", earlier: Sequence[str] = ()
) -> list[Passage]:
    """Nothing of another tenant. An embedder that is away costs the meaning, not the answer.

    `earlier` is what the same person asked before, the newest last: a question may lean on it.
    """
    scope = Scope(tenant, kind)
    if not Chunk.objects.filter(tenant=tenant, kind=kind).exists():
        return []
    parts = asked(question, earlier)
    terms = terms_of(tenant, " ".join(way.text for ways in parts for way in ways))
    found = find(scope, parts, terms)
    if terms.slips and not any(passage.covers for passage in found):
        again = find(scope, parts, terms, is_mended=True)
        found = again if any(passage.covers for passage in again) else found
    return found[:most]


def find(
    scope: Scope, parts: Sequence[Sequence[Wording]], terms: Terms, is_mended: bool = False
) -> list[Passage]:
    """Each as the question has it that it answers best."""
    by_words = index().words(scope, terms.telling(), CANDIDATES + unseen(scope.tenant))
    found: dict[int, Passage] = {}
    for look in looks(scope.tenant, parts, terms, is_mended):
        for place, passage in enumerate(judged_by(look, scope, by_words)):
            known = found.get(passage.chunk)
            leads = place == 0 or (known is not None and known.leads)
            best = passage if known is None or passage.score > known.score else known
            found[passage.chunk] = replace(best, leads=leads)
    return sorted(found.values(), key=lambda passage: (not passage.covers, -passage.score))


def judged_by(look: Look, scope: Scope, by_words: Sequence[int]) -> list[Passage]:
    rows = set(by_words)
    close: dict[int, float] = {}
    own: dict[int, float] = {}
    if look.vectors is not None and (vector := look.vector) is not None:
        rows.update(index().meaning(scope, vector, embedder().name))
        close, own = cosines(scope, rows, vector, look.vectors[0])
        rows = {*by_words, *sorted(close, key=lambda row: -close[row])[:CLOSEST]}
    passages = [judged(row, scope, look, close, own) for row in read(scope, rows)]
    return sorted(passages, key=lambda passage: -passage.score)


def unseen(tenant: int) -> int:
    """Pieces that the index of words has and nobody is shown: others must not lose their places to these."""
    chunks = Chunk.objects.filter(tenant=tenant, kind=UNSEEN).order_by()
    return chunks[:UNSEEN_MAX].count()


def cosines(scope: Scope, rows: "set[int]", *vectors: "Vector") -> list[dict[int, float]]:
    """With each of the vectors; without those that another model embedded."""
    name = embedder().name
    chunks = Chunk.objects.filter(pk__in=rows).values_list("pk", "vector", "tenant_id", "kind", "model")
    found = [(pk, raw) for pk, raw, *of in chunks if raw and of == [scope.tenant, scope.kind, name]]
    table = together(raw for _, raw in found) if found else None
    alike = [() if table is None else table @ vector for vector in vectors]
    return [{pk: float(cosine) for (pk, _), cosine in zip(found, each, strict=True)} for each in alike]


def read(scope: Scope, rows: "set[int]") -> Sequence[Mapping[str, Any]]:
    """The scope is compared here: SQLite would walk through all of it, rather than look rows up."""
    chunks = Chunk.objects.filter(pk__in=rows).values(*FIELDS)
    return [row for row in chunks if (row["tenant_id"], row["kind"]) == (scope.tenant, scope.kind)]


def judged(
    row: Mapping[str, Any], scope: Scope, look: Look, close: Mapping[int, float], own: Mapping[int, float]
) -> Passage:
    words, own_words = look.shares(scope.bare(row["words"]))
    return Passage(
        chunk=row["pk"],
        document=row["document_id"],
        title=row["document__title"],
        source=row["document__source"],
        heading=row["heading"],
        text=row["text"],
        meaning=close.get(row["pk"], 0.0),
        words=words,
        own=scored(own.get(row["pk"], 0.0), own_words),
    )
