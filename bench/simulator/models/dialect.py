"""What a provider's dialect must be able to say."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from bench.simulator.models.prompt import Answer, Prompt, Provider

type Body = dict[str, Any]


class ModelError(Exception):
    """A refusal, before the dialect puts it into words."""

    def __init__(
        self, status: int, message: str, kind: str = "", *, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.retry_after = retry_after


class Dialect(Protocol):
    """One address of a provider: how it reads a request and how it answers."""

    provider: Provider
    no_key: str
    bad_key: str

    def key(self, headers: Mapping[str, str]) -> str:
        """The key that came with the request, "" without one."""

    def read(self, body: Body, headers: Mapping[str, str]) -> Prompt:
        """The request as a prompt; ModelError when it is not acceptable."""

    def whole(self, prompt: Prompt, answer: Answer) -> Body:
        """The answer in one piece."""

    def events(self, prompt: Prompt, answer: Answer) -> Iterator[bytes]:
        """The answer as server-sent events."""

    def error(self, error: ModelError) -> Body:
        """The body of a refusal."""

    def error_event(self, error: ModelError) -> bytes:
        """The same in the middle of a stream."""


def pieces(text: str, size: int = 24) -> Iterator[str]:
    """A text as a stream brings it."""
    for start in range(0, len(text), size):
        yield text[start : start + size]
