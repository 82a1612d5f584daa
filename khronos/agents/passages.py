"""What a tenant's documents say of a question, looked up before a model is asked (docs/mind.md)."""

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.conf import settings

from khronos.agents.providers.base import Found, tokens
from khronos.agents.providers.phrases import OTHERWISE, may_be_documented, small_talk
from khronos.guards import caches
from khronos.knowledge.words import folded, has_words
from khronos.models import Chunk, Document
from khronos.observability.steps import step

if TYPE_CHECKING:
    from khronos.knowledge.passage import Passage

log = logging.getLogger(__name__)

ASKED_MAX = 800  # characters of the question that are looked for


def passages_for(tenant: int, asked: str, earlier: Sequence[str] = ()) -> list[Found] | None:
    """Nothing: there are no documents to ask, or no way to. Empty: they do not say.

    Whatever goes wrong costs the passages, and never the answer.
    """
    try:
        if not has_documents(tenant) or not may_be(asked):
            return None
        with step("knowledge.searched") as this:
            found = searched(tenant, asked, [] if is_small_talk(asked) else [*filter(may_be, earlier)])
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


def may_be(text: str) -> bool:
    return has_words(text) and may_be_documented(" ".join(folded(text).split()))


def is_small_talk(text: str) -> bool:
    """Whoever asks what we can do means us, and not what was spoken of before."""
    return small_talk(" ".join(folded(text).split())) is not OTHERWISE


def searched(tenant: int, asked: str, earlier: Sequence[str]) -> list[Found]:
    from khronos.knowledge.search import search  # noqa: PLC0415 (numpy, for whoever has documents)

    passages = search(tenant, asked[:ASKED_MAX], earlier=earlier)
    return list(within_budget(passage for passage in passages if passage.covers))


def within_budget(passages: "Iterable[Passage]") -> "Iterable[Found]":
    left = float(settings.PASSAGES_MAX_TOKENS)
    for each in passages:
        left -= tokens(each.text) + tokens(each.cited)
        if left < 0:
            return
        yield Found(each.cited, each.text, each.score, each.document, each.chunk, each.leads)
