"""What the providers' requests and answers have in common, and the words for when there is no answer."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from khronos.agents import fences
from khronos.agents.providers.base import Ask, Image, Line, Prompt
from khronos.agents.providers.errors import CutShort, Empty

REFUSALS = {
    "en": "I am sorry, I cannot help with that. Is there something else I can do for you?",
    "pt": "Desculpe, não posso ajudar com isso. Posso ajudar com outra coisa?",
}
REFUSAL = "refusal"
CUT_SHORT = {"max_tokens", "length"}
# These think before they speak, and what they think counts against the limit.
THINKS = re.compile(r"(gpt-[5-9](?!.*chat)|o\d)")
THINKING_TOKENS = 2048
UNNAMABLE = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer holds, whoever gave it."""

    text: str  # of a refusal only what may be shown of it
    stop_reason: str
    input_tokens: int
    output_tokens: int
    cached_read_tokens: int = 0  # of the input
    cached_write_tokens: int = 0  # of the input
    asks: Sequence[Ask] = ()


def dialogue(prompt: Prompt, shown: Callable[[Image], dict[str, Any]]) -> list[dict[str, Any]]:
    """Pictures stand before the words about them, each as the provider wants it `shown`."""
    return [{"role": line.role, "content": content_of(line, shown)} for line in prompt.lines]


def content_of(line: Line, shown: Callable[[Image], dict[str, Any]]) -> str | list[dict[str, Any]]:
    """A blank line is refused by the providers, and would take the whole question with it."""
    text = words_with_papers(line)
    text = text if text.strip() else "…"
    if not line.images:
        return text
    return [*(shown(image) for image in line.images), {"type": "text", "text": text}]


def words_with_papers(line: Line) -> str:
    return f"{line.text}\n\n{fences.attached(line.papers)}" if line.papers else line.text


def most_tokens(model: str, prompt: Prompt) -> int:
    """Of an answer, with what is thought before it."""
    return prompt.max_tokens + (THINKING_TOKENS if THINKS.match(model) else 0)


def asks_of(prompt: Prompt, stop_reason: str, asks: Sequence[Ask]) -> Sequence[Ask]:
    """Who has no tools gets none. What an answer that was cut short would have asked for, nobody knows."""
    return asks if prompt.tools and prompt.may_ask and stop_reason not in CUT_SHORT | {REFUSAL} else ()


def call_id(number: int, position: int) -> str:
    """Ours, since whoever made one may not be who reads it."""
    return f"call_{number}_{position}"


def name_of(ask: Ask) -> str:
    """As the providers allow names to be; a model that makes one up may write anything."""
    return UNNAMABLE.sub("_", ask.name)[:64] or "_"


def words_of(said: Said, language: str) -> str:
    """A model that said nothing may say something next time; not so one that ran out of tokens."""
    if said.text.strip() or said.asks:
        return said.text
    if said.stop_reason == REFUSAL:
        return REFUSALS.get(language[:2].lower(), REFUSALS["en"])
    if said.stop_reason in CUT_SHORT:
        raise CutShort("the answer ended before its first word: ANSWER_MAX_TOKENS is too small")
    raise Empty("an empty answer")


def count(usage: Any, *names: str) -> int:
    """The sum of these counters; absent or odd ones count nothing."""
    values = (usage.get(name) for name in names) if isinstance(usage, dict) else ()
    return sum(value for value in values if type(value) is int and value > 0)


def dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
