"""The assistant without a model: it quotes the tenant's documents, and says that it is a demonstration."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from khronos.agents.providers.base import Completion, Line, Prompt
from khronos.agents.providers.phrases import (
    CONNECT_ENGLISH,
    CONNECT_PORTUGUESE,
    ENGLISH,
    FOUND,
    OTHERWISE,
    PAPER,
    PHRASES,
    PICTURE,
    PORTUGUESE,
    READING,
    SOURCE_ENGLISH,
    SOURCE_PORTUGUESE,
    UNKNOWN,
    Phrase,
)
from khronos.knowledge.words import folded
from khronos.models import Document

if TYPE_CHECKING:
    from khronos.knowledge.search import Passage

QUOTE_MAX = 300  # characters of the person's words that are said back
SMALL_TALK_MAX = 80  # a longer text that begins with "hello" wants more than a greeting
SMALL_TALK_WORDS = 3  # with more of them it may be a question, which documents answer better
ALIKE = 0.8  # of the best passage's score: a second one of the same document is quoted too
PASSAGES_MAX = 2


class OfflineProvider:
    name = "offline"

    def complete(self, prompt: Prompt) -> Completion:
        last = prompt.lines[-1] if prompt.lines else Line("user", "")
        said = last.text.strip()
        if last.images or last.papers:
            text = received(last, prompt.language)
        else:
            text = answer(said, prompt.language, prompt.tenant)
        return Completion(text=text, provider=self.name, model="offline", stop_reason="end_turn")


def answer(said: str, language: str, tenant: int = 0) -> str:
    words = on_one_line(folded(said))
    is_ours = is_portuguese(words, language)
    phrase = small_talk(words)
    passages: list[Passage] = []
    if tenant and words and (phrase is OTHERWISE or is_more_than_talk(words, phrase)):
        found = passages_for(tenant, said)
        passages = best(found)
        if passages:
            phrase = FOUND
        elif phrase is OTHERWISE and is_reading(tenant):
            phrase = READING
        elif phrase is OTHERWISE and found:
            phrase = UNKNOWN
    template = phrase.portuguese if is_ours else phrase.english
    return template.format(
        said=quoted(said),
        connect=CONNECT_PORTUGUESE if is_ours else CONNECT_ENGLISH,
        passages=cited(passages, SOURCE_PORTUGUESE if is_ours else SOURCE_ENGLISH),
    )


def received(line: Line, language: str) -> str:
    """It cannot look at pictures, and shows how documents begin, so that one sees that they were read."""
    is_ours = is_portuguese(on_one_line(folded(line.text)), language)
    phrase = PAPER if line.papers else PICTURE
    beginnings = "\n\n".join(f"{paper.name}: “{quoted(paper.text)}”" for paper in line.papers)
    return (phrase.portuguese if is_ours else phrase.english).format(
        said=quoted(line.text),
        beginnings=beginnings,
        connect=CONNECT_PORTUGUESE if is_ours else CONNECT_ENGLISH,
    )


def small_talk(words: str) -> Phrase:
    is_short = len(words) <= SMALL_TALK_MAX
    return next((each for each in PHRASES if is_short and each.heard.search(words)), OTHERWISE)


def is_more_than_talk(words: str, phrase: Phrase) -> bool:
    """Whoever asks for a person gets no document."""
    return phrase.topic != "human" and len(words.split()) > SMALL_TALK_WORDS


def passages_for(tenant: int, said: str) -> "list[Passage]":
    from khronos.knowledge.search import search  # noqa: PLC0415 (numpy, for whoever has documents)

    return search(tenant, said[: SMALL_TALK_MAX * 10])


def is_reading(tenant: int) -> bool:
    return Document.objects.filter(tenant=tenant, kind=Document.Kind.KNOWLEDGE).unsettled().exists()


def best(found: "Sequence[Passage]") -> "list[Passage]":
    """What answers; a second one where it is nearly as good, and no translation of the first."""
    covering = [passage for passage in found if passage.covers]
    near = [
        passage
        for passage in covering
        if passage.document == covering[0].document and passage.score >= covering[0].score * ALIKE
    ]
    return near[:PASSAGES_MAX]


def cited(passages: "Sequence[Passage]", source: str) -> str:
    return "\n\n".join(f"{passage.text}\n*{source}: {passage.cited}*" for passage in passages)


def is_portuguese(words: str, language: str) -> bool:
    """The words themselves tell best; where they do not, the contact's own language does."""
    portuguese, english = len(PORTUGUESE.findall(words)), len(ENGLISH.findall(words))
    if portuguese != english:
        return portuguese > english
    return language.lower().startswith("pt")


def on_one_line(text: str) -> str:
    return " ".join(text.split())


def quoted(said: str) -> str:
    """On one line, and not at any length."""
    line = on_one_line(said)
    return line if len(line) <= QUOTE_MAX else line[: QUOTE_MAX - 1].rstrip() + "…"
