"""In how many chunks each word of a tenant stands: kept beside the chunks, in their transaction."""

from collections import Counter
from collections.abc import Iterable

from django.db import connection

from khronos.knowledge.scope import Scope
from khronos.models import Chunk, Document

COUNT = (
    "INSERT INTO khronos_word (tenant_id, text, chunks) VALUES (%s, %s, %s)"
    " ON CONFLICT (tenant_id, text) DO UPDATE SET chunks = khronos_word.chunks + excluded.chunks"
)


def forget(document: Document) -> None:
    chunks = Chunk.objects.filter(document=document).values_list("words", flat=True)
    write(removed(Scope(document.tenant_id, document.kind), chunks))


def added(scope: Scope, chunks: Iterable[str]) -> list[tuple[int, str, int]]:
    return changes(scope, chunks, +1)


def removed(scope: Scope, chunks: Iterable[str]) -> list[tuple[int, str, int]]:
    return changes(scope, chunks, -1)


def changes(scope: Scope, chunks: Iterable[str], sign: int) -> list[tuple[int, str, int]]:
    """Of each word, once a chunk; sorted, so that two who write the same words do not wait for each other."""
    words = Counter(each for chunk in chunks for each in set(scope.bare(chunk)))
    return [(scope.tenant, word, sign * words[word]) for word in sorted(words)]


def write(counts: list[tuple[int, str, int]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(COUNT, counts)
