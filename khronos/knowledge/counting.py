"""In how many chunks each word of a tenant stands: kept beside the chunks, in their transaction."""

from collections import Counter
from collections.abc import Iterable
from itertools import batched

from django.db.models import F

from khronos.knowledge.scope import Scope
from khronos.models import Chunk, Document, Word

TOGETHER = 300  # words in one statement


def forget(document: Document) -> None:
    chunks = Chunk.objects.filter(document=document).values_list("words", flat=True)
    scope = Scope(document.tenant_id, document.kind)
    count(scope.tenant, words_in(scope, chunks), -1)


def words_in(scope: Scope, chunks: Iterable[str]) -> "Counter[str]":
    """Each word once a chunk."""
    return Counter(each for chunk in chunks for each in set(scope.bare(chunk)))


def count(tenant: int, words: "Counter[str]", sign: int) -> None:
    if sign > 0:
        rows = (Word(tenant_id=tenant, text=word) for word in words)
        Word.objects.bulk_create(rows, ignore_conflicts=True, batch_size=TOGETHER)
    for times, alike in by_times(words).items():
        for some in batched(sorted(alike), TOGETHER):
            Word.objects.filter(tenant=tenant, text__in=some).update(chunks=F("chunks") + sign * times)


def by_times(words: "Counter[str]") -> dict[int, list[str]]:
    """Words with the same count are one statement: most stand in a single chunk."""
    alike: dict[int, list[str]] = {}
    for word, times in words.items():
        alike.setdefault(times, []).append(word)
    return alike


def change(scope: Scope, before: Iterable[str], after: Iterable[str]) -> None:
    """From these chunks' words to those."""
    old, new = words_in(scope, before), words_in(scope, after)
    count(scope.tenant, new - old, +1)
    count(scope.tenant, old - new, -1)
