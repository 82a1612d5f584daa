"""A model call and its answer, in words that both providers' dialects translate to."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

Provider = Literal["anthropic", "openai"]
CHARACTERS_PER_TOKEN = 4
CONTEXT = re.compile(r"<(context|summary)>.*?</\1>\s*", re.DOTALL)  # what no person has said

type Block = dict[str, object]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation; tools' results are told apart from what a person wrote."""

    role: str
    texts: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    calls: int = 0
    images: tuple[str, ...] = ()  # SHA-256 of each


@dataclass(slots=True)
class Prompt:
    """What the model was asked."""

    provider: Provider
    model: str
    system: str
    turns: list[Turn]
    tools: list[str]
    stream: bool
    max_tokens: int
    include_usage: bool = True
    body: dict[str, Any] = field(default_factory=dict, repr=False)  # as it came
    cache_read: int = 0  # tokens, of the input
    cache_write: int = 0
    must: str = ""  # the tool that it has to ask for

    @property
    def question(self) -> str:
        """All that was said since the last answer; the tool calls in between do not count as one."""
        texts: list[str] = []
        for turn in reversed(self.turns):
            if turn.role == "assistant" and not turn.calls:
                break
            if turn.role == "user":
                texts[:0] = turn.texts
        return CONTEXT.sub("", "\n".join(texts))

    @property
    def images(self) -> list[str]:
        return [image for turn in self.turns for image in turn.images]

    @property
    def results(self) -> list[str]:
        """What the tools said, when theirs is the last word."""
        results: list[str] = []
        for turn in reversed(self.turns):
            if not turn.results:
                break
            results[:0] = turn.results
        return results

    @property
    def input_tokens(self) -> int:
        said = sum(len(text) for turn in self.turns for text in turn.texts + turn.results)
        return tokens(len(self.system) + said) + 4 * len(self.turns)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool."""

    name: str
    arguments: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """What is billed, in tokens. `input` is what came neither from the cache nor went into it."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says. `stop` overrides the reason ("refusal", …), `usage` the counted tokens."""

    text: str = ""
    tools: tuple[ToolCall, ...] = ()
    stop: str = ""
    usage: Usage | None = None

    def billed(self, prompt: Prompt) -> Usage:
        output = tokens(len(self.text)) + 20 * len(self.tools)
        fresh = prompt.input_tokens - prompt.cache_read - prompt.cache_write
        return self.usage or Usage(fresh, output, prompt.cache_read, prompt.cache_write)


def tokens(characters: int) -> int:
    return characters // CHARACTERS_PER_TOKEN + 1


def echo(prompt: Prompt) -> Answer:
    """Quote the question in full, so that a ledger can tell which question each answer belongs to."""
    text = f"You said: {prompt.question}"
    if prompt.results:
        text += "\nThe tool said: " + "; ".join(prompt.results)
    return Answer(text)
