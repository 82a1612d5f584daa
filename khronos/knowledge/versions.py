"""A version of a document takes the place of the one before (docs/knowledge.md).

pieces of the new one, unseen ─► in one step these are seen, the old ones are not ─► the old ones go

So a search finds one of the two, and whole. SQLite has one writer, whom replies wait for, so all but the step
is done some pieces at a time. Whoever dies is followed by another, who clears what is unseen and begins anew.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import batched

from django.db import connection, transaction

from khronos.knowledge import counting
from khronos.knowledge.scope import Scope, changed
from khronos.knowledge.splitting import Piece
from khronos.knowledge.words import stems_of
from khronos.models import Chunk, Document
from khronos.models.chunk import UNSEEN
from khronos.models.commit import AFTER_YOU_S, courtesy

LEASE = timedelta(seconds=60)  # above a batch at the embedder, and above a document that is read
TOGETHER = 32  # pieces in a transaction: some 10 ms
SWITCHED_TOGETHER = 500  # in one statement
RESTS = 2  # times as long as one of us wrote, none of us does: SQLite's other writers look again and again

# One at a time, with what it prepares to write: threads that compute would hold up the one that writes.
_writing = threading.RLock()


@contextmanager
def turn_of(document: Document) -> Iterator[None]:
    """A short transaction of who has its lease, behind what arrives (models/commit.py). Raises LostLease."""
    with _writing:
        is_single = connection.vendor == "sqlite"
        if is_single:
            courtesy().after_you(AFTER_YOU_S)
        with transaction.atomic():
            document.extend(LEASE)
            began = time.monotonic()
            yield
        if is_single:
            time.sleep(RESTS * (time.monotonic() - began))


def renew(document: Document, pieces: Sequence[Piece]) -> None:
    """A piece that is as before keeps its vector."""
    clear(document)
    before = {chunk.digest: chunk for chunk in document.chunks.only("digest", "position")}
    after = {piece.digest(document.title): piece for piece in pieces}
    places = {digest: place for place, digest in enumerate(after)}
    for some in batched([digest for digest in after if digest not in before], TOGETHER):
        add(document, [(places[digest], digest, after[digest]) for digest in some])
    kept = [(places[digest], chunk) for digest, chunk in before.items() if digest in after]
    for moved in batched([(place, chunk.pk) for place, chunk in kept if place != chunk.position], TOGETHER):
        move(document, moved)
    switch(document, [chunk.pk for digest, chunk in before.items() if digest not in after])
    clear(document)


def clear(document: Document) -> None:
    """What is unseen goes, with its words."""
    scope = Scope(document.tenant_id, document.kind)
    unseen = document.chunks.filter(kind=UNSEEN).values_list("pk", "words")
    while some := list(unseen[:TOGETHER]):
        with _writing:
            counts = counting.removed(scope, [words for _, words in some])
            with turn_of(document):
                Chunk.objects.filter(pk__in=[pk for pk, _ in some]).delete()
                counting.write(counts)


def add(document: Document, pieces: Sequence[tuple[int, str, Piece]]) -> None:
    with _writing:
        chunks = [chunk_of(document, *each) for each in pieces]
        counts = counting.added(Scope(document.tenant_id, document.kind), [chunk.words for chunk in chunks])
        for chunk in chunks:
            chunk.kind = UNSEEN
        with turn_of(document):
            Chunk.objects.bulk_create(chunks)
            counting.write(counts)


def chunk_of(document: Document, position: int, digest: str, piece: Piece) -> Chunk:
    scope = Scope(document.tenant_id, document.kind)
    words = stems_of(f"{document.title} {piece.heading} {piece.text}")
    return Chunk(
        document=document,
        tenant_id=document.tenant_id,
        kind=document.kind,
        position=position,
        heading=piece.heading,
        text=piece.text,
        digest=digest,
        words=scope.marked(words),
    )


def move(document: Document, places: Sequence[tuple[int, int]]) -> None:
    with turn_of(document), connection.cursor() as cursor:
        cursor.executemany("UPDATE khronos_chunk SET position = %s WHERE id = %s", places)


def switch(document: Document, gone: Sequence[int]) -> None:
    with turn_of(document):
        document.chunks.filter(kind=UNSEEN).update(kind=document.kind)
        for some in batched(gone, SWITCHED_TOGETHER):
            Chunk.objects.filter(pk__in=some).update(kind=UNSEEN)
        document.write(raw=None)
    document.raw = None
    changed(document.tenant_id)
