"""What becomes of a document: read, split, embedded, found (docs/knowledge.md).

waiting ─► working ─► its version seen ─► vectors, some at a time ─► ready
              └► the embedder is away: later, three times in all ─► failed, with the reason, and kept
"""

import logging
from datetime import timedelta
from itertools import batched

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from django.db.models.query import QuerySet
from django.utils.translation import gettext_noop

from khronos.bus import doorbell
from khronos.bus.routes import EMBED_TASK
from khronos.exceptions import Failure, LostLease, Permanent, Refused
from khronos.knowledge import versions
from khronos.knowledge.embedding import paying
from khronos.knowledge.embedding.chosen import embedder
from khronos.knowledge.reading.guarded import read
from khronos.knowledge.scope import changed
from khronos.knowledge.splitting import Piece, split
from khronos.knowledge.vectors import packed, signs
from khronos.knowledge.versions import LEASE
from khronos.models import Chunk, DeadLetter, Document
from khronos.models.deadletter import keep

log = logging.getLogger(__name__)

TRIES = 3
FIRST_WAIT_S = 2.0  # doubled each time
TOGETHER = 16  # texts for the embedder, and vectors in a transaction
EMBED_S = 30.0
KEEP = "UPDATE khronos_chunk SET vector = %s, code = %s, model = %s WHERE id = %s"


def take(document_id: int) -> None:
    """Read and embed a document that is due; nothing when it is not, or is somebody else's."""
    document = Document.objects.claim(document_id, LEASE)
    if document is not None:
        work_on(document)


def work_on(document: Document) -> None:
    try:
        see_through(document)
    except LostLease:
        log.info("another version came, or another worker", extra={"document": document.pk})
    changed(document.tenant_id)


def see_through(document: Document) -> None:
    """Ends with the document settled or given back. Raises LostLease."""
    try:
        if document.crashes >= TRIES:
            raise Permanent(f"{document.crashes} workers died over it")
        if document.raw is not None:
            versions.renew(document, pieces_of(document, bytes(document.raw)))
        else:
            versions.clear(document)  # of whoever died when it had taken the place of the one before
        embed(document)
        document.settle(Document.State.READY, model=embedder().name, read_at=Now())
    except Refused as error:
        wait_s = min(error.retry_after or 0.0, settings.PARK_BUDGET_S)
        document.postpone(Document.State.WAITING, timedelta(seconds=wait_s), str(error))
    except Permanent as error:
        fail(document, str(error))
    except Failure as error:
        put_off(document, str(error))


def pieces_of(document: Document, raw: bytes) -> list[Piece]:
    pieces = list(split(read(document.form, raw)))
    if not pieces:
        raise Permanent(gettext_noop("There is no text in it. What was scanned has none."))
    return pieces


def embed(document: Document) -> None:
    """What has no vector of the present model; some at a time, so that a crash costs the last of them."""
    in_haste = document.kind == Document.Kind.MESSAGE
    for some in batched(list(missing(document).values_list("pk", flat=True)), TOGETHER):
        chunks = list(Chunk.objects.filter(pk__in=some).only("pk", "heading", "text"))
        texts = [said(document, chunk) for chunk in chunks]
        with paying.errand(document, texts) as errand:
            vectors = embedder().embed(texts, patience_s=EMBED_S, in_haste=in_haste)
            rows = [
                (packed(vector), code.tobytes(), embedder().name, chunk.pk)
                for chunk, vector, code in zip(chunks, vectors, signs(vectors), strict=True)
            ]
            with versions.turn_of(document), connection.cursor() as cursor:
                cursor.executemany(KEEP, rows)
                if document.attempts > 1:
                    document.write(attempts=1, deferrals=0)  # it gets on: its tries begin anew
                    document.attempts, document.deferrals = 1, 0
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
