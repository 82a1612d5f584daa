"""What a tenant's documents say of a question, looked up before a model is asked (docs/mind.md)."""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.conf import settings

from khronos.agents.providers.base import Found, tokens
from khronos.agents.providers.phrases import may_be_documented
from khronos.guards import caches
from khronos.knowledge.words import folded
from khronos.models import Chunk, Document
from khronos.observability.steps import step

if TYPE_CHECKING:
    from khronos.knowledge.search import Passage

log = logging.getLogger(__name__)

ASKED_MAX = 800  # characters of the question that are looked for


def passages_for(tenant: int, asked: str) -> list[Found] | None:
    """Nothing: there are no documents to ask, or no way to. Empty: they do not say.

    Whatever goes wrong costs the passages, and never the answer.
    """
    try:
        if not has_documents(tenant) or not may_be_documented(" ".join(folded(asked).split())):
            return None
        with step("knowledge.searched") as this:
            found = searched(tenant, asked)
            this.add(passages=len(found))
        return found
    except Exception:
        log.exception("answered without documents", extra={"tenant": tenant})
        return None


def has_documents(tenant: int) -> bool:
    """Of memory, until the tenant's knowledge changes."""

    def look() -> bool:
        return Chunk.objects.filter(tenant=tenant, kind=Document.Kind.KNOWLEDGE).exists()

    found: bool = caches.documented().get(str(tenant), look)
    return found


def searched(tenant: int, asked: str) -> list[Found]:
    from khronos.knowledge.search import search  # noqa: PLC0415 (numpy, for whoever has documents)

    covering = (passage for passage in search(tenant, asked[:ASKED_MAX]) if passage.covers)
    return list(within_budget(covering))


def within_budget(passages: "Iterable[Passage]") -> "Iterable[Found]":
    left = float(settings.PASSAGES_MAX_TOKENS)
    for each in passages:
        left -= tokens(each.text) + tokens(each.cited)
        if left < 0:
            return
        yield Found(each.cited, each.text, each.score, each.document, each.chunk)
