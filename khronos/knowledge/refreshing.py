"""What grew old: vectors of a model that is no longer asked, and pages that may have changed since."""

import logging

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from khronos.exceptions import Failure
from khronos.knowledge import fetching, intake
from khronos.knowledge.embedding.chosen import embedder
from khronos.models import Document

log = logging.getLogger(__name__)

PAGES_AT_ONCE = 20  # a page takes half a minute at most


def refresh() -> tuple[int, int]:
    """Answers how many documents are embedded anew, and how many pages were looked at."""
    older = list(of_older_models())
    for document in older:
        intake.begin_anew(document)
    pages = list(stale_pages()[:PAGES_AT_ONCE])
    for document in pages:
        look_again(document)
    return len(older), len(pages)


def of_older_models() -> QuerySet[Document]:
    """Their pieces stay found by words meanwhile."""
    ready = Document.objects.filter(state=Document.State.READY)
    return ready.exclude(model=embedder().name).defer("raw")


def stale_pages() -> QuerySet[Document]:
    pages = Q(source__startswith="https://") | Q(source__startswith="http://")
    old = Document.objects.filter(
        pages, state=Document.State.READY, read_at__lt=Now() - settings.KNOWLEDGE_FRESH
    )
    return old.select_related("tenant").defer("raw").order_by("read_at")


def look_again(document: Document) -> None:
    """A page that is away keeps what it said last."""
    try:
        fetching.fetch(document.tenant, document.source)
    except Failure as error:
        log.warning("page not refreshed", extra={"document": document.pk, "error": str(error)[:200]})
    Document.objects.filter(pk=document.pk).update(read_at=Now())
