"""What becomes of a document: read, split, embedded, found (docs/knowledge.md).

waiting ─► working ─► chunks committed ─► vectors, some at a time ─► ready
              └► the embedder is away: later, three times in all ─► failed, with the reason, and kept
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import batched

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from django.db.models.query import QuerySet
from django.utils.translation import gettext_noop

from khronos.bus import doorbell
from khronos.bus.routes import EMBED_TASK
from khronos.exceptions import Failure, LostLease, Permanent
from khronos.knowledge import counting
from khronos.knowledge.embedding import paying
from khronos.knowledge.embedding.chosen import embedder
from khronos.knowledge.reading.guarded import read
from khronos.knowledge.scope import Scope, changed
from khronos.knowledge.splitting import Piece, split
from khronos.knowledge.vectors import packed, signs
from khronos.knowledge.words import stems_of
from khronos.models import Chunk, DeadLetter, Document
from khronos.models.commit import AFTER_YOU_S, courtesy
from khronos.models.deadletter import keep
from khronos.usage import budget

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)  # above a batch at the embedder, and above a document that is read
TRIES = 3
FIRST_WAIT_S = 2.0  # doubled each time
TOGETHER = 16  # texts for the embedder: a question that comes meanwhile waits for no more
EMBED_S = 30.0

writing = threading.Lock()


def take(document_id: int) -> None:
    """Read and embed a document that is due; nothing when it is not, or is somebody else's."""
    document = Document.objects.claim(document_id, LEASE)
    if document is not None:
        work_on(document)


def work_on(document: Document) -> None:
    try:
        if document.crashes >= TRIES:
            raise Permanent(f"{document.crashes} workers died over it")
        if document.raw is not None:
            renew(document, list(split(read(document.form, bytes(document.raw)))))
        embed(document)
        document.settle(Document.State.READY, model=embedder().name, read_at=Now())
    except LostLease:
        log.info("another version came, or another worker", extra={"document": document.pk})
    except (budget.Spent, budget.Held) as error:
        wait_s = min(error.retry_after or 0.0, settings.PARK_BUDGET_S)
        document.postpone(Document.State.WAITING, timedelta(seconds=wait_s), str(error))
    except Permanent as error:
        fail(document, str(error))
    except Failure as error:
        put_off(document, str(error))
    changed(document.tenant_id)


def renew(document: Document, pieces: Sequence[Piece]) -> None:
    """The chunks of this version; one that is as before keeps its vector."""
    if not pieces:
        raise Permanent(gettext_noop("There is no text in it. What was scanned has none."))
    with in_turn(), transaction.atomic():
        document.write(raw=None)
        document.raw = None
        before = {chunk.digest: chunk for chunk in document.chunks.defer("vector", "code")}
        after = {piece.digest(document.title): piece for piece in pieces}
        gone = [chunk.pk for digest, chunk in before.items() if digest not in after]
        chunks = [
            chunk_of(document, position, digest, piece)
            for position, (digest, piece) in enumerate(after.items())
        ]
        document.chunks.filter(pk__in=gone).delete()
        for chunk in chunks:
            if known := before.get(chunk.digest):
                document.chunks.filter(pk=known.pk).update(position=chunk.position)
        Chunk.objects.bulk_create([chunk for chunk in chunks if chunk.digest not in before], batch_size=100)
        counting.change(
            Scope(document.tenant_id, document.kind),
            (each.words for each in before.values()),
            (each.words for each in chunks),
        )
    changed(document.tenant_id)


@contextmanager
def in_turn() -> Iterator[None]:
    """Long transactions one after the other, behind whoever writes what arrives (models/commit.py)."""
    with writing:
        if connection.vendor == "sqlite":
            courtesy().after_you(AFTER_YOU_S)
        yield


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


def embed(document: Document) -> None:
    """What has no vector of the present model; some at a time, so that a crash costs the last of them."""
    in_haste = document.kind == Document.Kind.MESSAGE
    for some in batched(list(missing(document).values_list("pk", flat=True)), TOGETHER):
        chunks = list(Chunk.objects.filter(pk__in=some).only("pk", "heading", "text"))
        texts = [said(document, chunk) for chunk in chunks]
        with paying.errand(document, texts) as errand:
            vectors = embedder().embed(texts, patience_s=EMBED_S, in_haste=in_haste)
            with transaction.atomic():
                document.extend(LEASE)
                for chunk, vector, code in zip(chunks, vectors, signs(vectors), strict=True):
                    Chunk.objects.filter(pk=chunk.pk).update(
                        vector=packed(vector), code=code.tobytes(), model=embedder().name
                    )
                paying.settle(errand)


def missing(document: Document) -> "QuerySet[Chunk]":
    return document.chunks.exclude(model=embedder().name).order_by("position")


def said(document: Document, chunk: Chunk) -> str:
    """What is embedded: a passage means little without what it is about."""
    return f"{chunk.heading or document.title}. {chunk.text}"


def put_off(document: Document, reason: str) -> None:
    if document.attempts >= TRIES:
        fail(document, reason)
        return
    wait_s = FIRST_WAIT_S * 2 ** (document.attempts - 1)
    document.defer(Document.State.WAITING, timedelta(seconds=wait_s), reason)
    doorbell.ring_later(EMBED_TASK, [document.pk], wait_s)


def fail(document: Document, reason: str) -> None:
    """Kept among the dead letters, from where an operator has it read again."""
    log.warning("document failed", extra={"document": document.pk, "reason": reason})
    with transaction.atomic():
        document.settle(Document.State.FAILED, reason)
        keep(
            DeadLetter.Source.DOCUMENT,
            "document",
            str(document.pk),
            reason,
            attempts=document.attempts,
            payload={"document_id": document.pk, "source": document.source},
        )
