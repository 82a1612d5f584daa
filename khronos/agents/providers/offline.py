"""The assistant without a model: it quotes the tenant's documents, and says that it is a demonstration."""

from collections.abc import Sequence

from khronos.agents.language import language_heard
from khronos.agents.providers.base import Completion, Found, Line, Prompt
from khronos.agents.providers.phrases import (
    CONNECT_ENGLISH,
    CONNECT_PORTUGUESE,
    FOUND,
    OTHERWISE,
    PAPER,
    PICTURE,
    READING,
    UNKNOWN,
    Phrase,
    small_talk,
)
from khronos.knowledge.words import folded
from khronos.models import Document

QUOTE_MAX = 300  # characters of the person's words that are said back
ALIKE = 0.8  # of the best passage's score: a second one of the same document is quoted too
PASSAGES_MAX = 2


class OfflineProvider:
    name = "offline"

    def complete(self, prompt: Prompt) -> Completion:
        last = prompt.lines[-1] if prompt.lines else Line("user", "")
        said = prompt.asked or last.text.strip()
        text = received(last, said, prompt) if last.images or last.papers else answer(said, prompt)
        return Completion(text=text, provider=self.name, model="offline", stop_reason="end_turn")


def answer(said: str, prompt: Prompt) -> str:
    is_ours = is_portuguese(said, prompt.language)
    phrase = phrase_for(said, prompt)
    template = phrase.portuguese if is_ours else phrase.english
    return template.format(
        said=quoted(said),
        connect=CONNECT_PORTUGUESE if is_ours else CONNECT_ENGLISH,
        passages=cited(prompt.found or ()),
    )


def received(line: Line, said: str, prompt: Prompt) -> str:
    """It cannot look at pictures, and shows how documents begin, so that one sees that they were read."""
    is_ours = is_portuguese(said, prompt.language)
    phrase = PAPER if line.papers else PICTURE
    beginnings = "\n\n".join(f"{paper.name}: “{quoted(paper.text)}”" for paper in line.papers)
    return (phrase.portuguese if is_ours else phrase.english).format(
        said=quoted(said),
        beginnings=beginnings,
        connect=CONNECT_PORTUGUESE if is_ours else CONNECT_ENGLISH,
    )


def is_portuguese(said: str, language: str) -> bool:
    """The words themselves tell best; where they do not, the contact's own language does."""
    return (language_heard(said) or language.lower()[:2]) == "pt"


def phrase_for(said: str, prompt: Prompt) -> Phrase:
    if prompt.found:
        return FOUND
    phrase = small_talk(on_one_line(folded(said)))
    if phrase is OTHERWISE and said and prompt.tenant and is_reading(prompt.tenant):
        return READING
    return UNKNOWN if phrase is OTHERWISE and prompt.found is not None else phrase


def is_reading(tenant: int) -> bool:
    return Document.objects.filter(tenant=tenant, kind=Document.Kind.KNOWLEDGE).unsettled().exists()


def cited(found: Sequence[Found]) -> str:
    """What answers best, each of several questions first; a second one where it is nearly as good.

    Of one document, since another may be its translation.
    """
    near = [
        (not each.leads, number, each.text)
        for number, each in enumerate(found, 1)
        if each.document == found[0].document and (each.leads or each.score >= found[0].score * ALIKE)
    ]
    return "\n\n".join(f"{text} [{number}]" for _, number, text in sorted(near)[:PASSAGES_MAX])


def on_one_line(text: str) -> str:
    return " ".join(text.split())


def quoted(said: str) -> str:
    """On one line, and not at any length."""
    line = on_one_line(said)
    return line if len(line) <= QUOTE_MAX else line[: QUOTE_MAX - 1].rstrip() + "…"
