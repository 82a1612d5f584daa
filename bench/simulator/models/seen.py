"""What a provider has read lately: the beginning of a prompt that is there already is billed as cached.

Anthropic keeps what stands before a mark, and finds it again where a later prompt begins so; OpenAI keeps
whatever is long enough, and asks nothing for it.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import orjson

from bench.simulator.models.prompt import Prompt, tokens

LEAST = 1024  # tokens: what is shorter is not kept
MARK = "cache_control"


class Seen:
    def __init__(self) -> None:
        self._beginnings: set[bytes] = set()

    def look(self, prompt: Prompt) -> None:
        """Fill in what is read from the cache, and what is written to it."""
        known, kept, size, so_far = 0, 0, 0, blake2b(prompt.model.encode())
        new: list[bytes] = []
        for piece in pieces(prompt.body):
            written = orjson.dumps(bare(piece))
            so_far.update(written)
            size += len(written)
            if tokens(size) < LEAST:
                continue
            digest = so_far.digest()
            if digest in self._beginnings:
                known = size
            if prompt.provider == "openai" or MARK in orjson.dumps(piece).decode():
                kept = size
                new.append(digest)
        self._beginnings.update(new)
        self._bill(prompt, known, kept)

    def _bill(self, prompt: Prompt, known: int, kept: int) -> None:
        prompt.cache_read = min(known // 4, prompt.input_tokens)
        if prompt.provider == "anthropic":
            prompt.cache_write = min(max(kept - known, 0) // 4, prompt.input_tokens - prompt.cache_read)


def pieces(body: dict[str, Any]) -> Iterator[Any]:
    yield from body.get("tools") or []
    system = body.get("system") or ""
    yield from [system] if isinstance(system, str) else system
    messages = body.get("messages")
    yield from messages if isinstance(messages, list) else []


def bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: bare(each) for name, each in value.items() if name != MARK}
    return [bare(each) for each in value] if isinstance(value, list) else value
