"""What the providers' requests and answers have in common, and the words for when there is no answer."""

import re
from dataclasses import dataclass
from typing import Any

from khronos.agents.providers.base import Prompt
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


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer holds, whoever gave it."""

    text: str  # of a refusal only what may be shown of it
    stop_reason: str
    input_tokens: int
    output_tokens: int
    cached_read_tokens: int = 0  # of the input
    cached_write_tokens: int = 0  # of the input


def dialogue(prompt: Prompt) -> list[dict[str, str]]:
    """A blank line is refused by the providers, and would take the whole question with it."""
    return [{"role": line.role, "content": line.text if line.text.strip() else "…"} for line in prompt.lines]


def most_tokens(model: str, prompt: Prompt) -> int:
    """Of an answer, with what is thought before it."""
    return prompt.max_tokens + (THINKING_TOKENS if THINKS.match(model) else 0)


def words_of(said: Said, language: str) -> str:
    """A model that said nothing may say something next time; not so one that ran out of tokens."""
    if said.text.strip():
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
