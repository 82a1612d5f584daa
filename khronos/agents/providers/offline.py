"""The assistant without a model: it shows that everything else works, and says that it is a demonstration."""

import unicodedata

from khronos.agents.providers.base import Completion, Prompt
from khronos.agents.providers.phrases import (
    CONNECT_ENGLISH,
    CONNECT_PORTUGUESE,
    ENGLISH,
    OTHERWISE,
    PHRASES,
    PORTUGUESE,
)

QUOTE_MAX = 300  # characters of the person's words that are said back
SMALL_TALK_MAX = 80  # a longer text that begins with "hello" wants more than a greeting


class OfflineProvider:
    name = "offline"

    def complete(self, prompt: Prompt) -> Completion:
        said = prompt.lines[-1].text.strip() if prompt.lines else ""
        text = answer(said, prompt.language)
        return Completion(text=text, provider=self.name, model="offline", stop_reason="end_turn")


def answer(said: str, language: str) -> str:
    words = folded(said)
    is_short = len(words) <= SMALL_TALK_MAX
    phrase = next((each for each in PHRASES if is_short and each.heard.search(words)), OTHERWISE)
    if is_portuguese(words, language):
        return phrase.portuguese.format(said=quoted(said), connect=CONNECT_PORTUGUESE)
    return phrase.english.format(said=quoted(said), connect=CONNECT_ENGLISH)


def is_portuguese(words: str, language: str) -> bool:
    """The words themselves tell best; where they do not, the contact's own language does."""
    portuguese, english = len(PORTUGUESE.findall(words)), len(ENGLISH.findall(words))
    if portuguese != english:
        return portuguese > english
    return language.lower().startswith("pt")


def folded(text: str) -> str:
    """Small letters without accents, on one line."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(sign for sign in letters if not unicodedata.combining(sign)).split())


def quoted(said: str) -> str:
    """On one line, and not at any length."""
    line = " ".join(said.split())
    return line if len(line) <= QUOTE_MAX else line[: QUOTE_MAX - 1].rstrip() + "…"
