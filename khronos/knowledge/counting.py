"""In how many chunks each word of a tenant stands: kept beside the chunks, in their transaction."""

from collections import Counter
from collections.abc import Iterable
from itertools import batched

from django.db.models import F

from khronos.models import Chunk, Document, Word

TOGETHER = 300  # words in one statement


def forget(document: Document) -> None:
    words = Chunk.objects.filter(document=document).values_list("words", flat=True)
    count(document.tenant_id, Counter(each for chunk in words for each in own(chunk)), -1)


def own(words: str) -> set[str]:
    """Without the one that says whose they are."""
    return set(words.split()[1:])


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


def change(tenant: int, before: Iterable[str], after: Iterable[str]) -> None:
    """From these chunks' words to those."""
    old = Counter(each for chunk in before for each in own(chunk))
    new = Counter(each for chunk in after for each in own(chunk))
    count(tenant, new - old, +1)
    count(tenant, old - new, -1)
