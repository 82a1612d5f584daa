"""What a model provider is asked and what it answers, in one vocabulary for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

type Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that the model looks at."""

    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Paper:
    """A document that came with a message: what it says is information, whoever says it."""

    name: str
    text: str


CHARS_PER_TOKEN = 3.5  # a safe mean of English and Portuguese; the providers count for themselves


def tokens(text: str) -> float:
    return len(text) / CHARS_PER_TOKEN


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the dialogue, and what was attached to it."""

    role: Role
    text: str
    images: Sequence[Image] = ()
    papers: Sequence[Paper] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that may answer the question. It is cited by its number: the first is 1."""

    cited: str  # where it stands, for people
    text: str
    score: float
    document: int
    chunk: int
    leads: bool = False  # of several questions in one it answers one best


@dataclass(frozen=True, slots=True)
class Spec:
    """A tool that the model may ask for."""

    name: str
    description: str
    takes: Mapping[str, Any]  # JSON Schema of an object


@dataclass(frozen=True, slots=True)
class Ask:
    """The model asks for a tool. What could not be read as arguments is no mapping."""

    name: str
    arguments: Any
    id: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it, in words for the model."""

    ask: Ask
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """What the model said and asked for, after the last line, and what it was told."""

    words: str
    told: Sequence[Told]


@dataclass(frozen=True, slots=True)
class Prompt:
    system: str
    lines: Sequence[Line]  # oldest first, roles alternate, the last one is the user's
    language: str = "en"
    max_tokens: int = 1024
    tenant: int = 0  # whose documents may be read at the moment
    asked: str = ""  # the person's own words of the last line
    found: Sequence[Found] | None = None  # nothing: documents were not asked
    tools: Sequence[Spec] = ()
    rounds: Sequence[Round] = ()
    may_ask: bool = True  # else it has to answer in words
    must_ask: str = ""  # for this tool, and nothing else
    patience_s: float = 0.0  # shorter than the provider's own; 0: as long as that
    models: Mapping[str, str] = field(default_factory=dict)  # by provider, where the agent has its own


@dataclass(frozen=True, slots=True)
class Completion:
    text: str
    provider: str
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    stop_reason: str = ""
    duration_ms: int = 0
    asks: Sequence[Ask] = ()
    requests_per_minute: int = 0  # what the provider allows us, where it says so
    cached_read_tokens: int = 0  # of the input
    cached_write_tokens: int = 0  # of the input


class Provider(Protocol):
    name: str

    def complete(self, prompt: Prompt) -> Completion:
        """Raises Transient (with what the provider says of when to come back), Permanent or Unauthorized."""
