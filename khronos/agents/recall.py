"""The same answer for the same prompt, for tenants that allow it: talk is personal (docs/models.md)."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any

import orjson

from khronos.agents.providers import configured, model_of
from khronos.agents.providers.base import Completion, Prompt
from khronos.guards import caches

REMEMBERED = "remembered"  # in place of the provider's reason to stop


def recalled(prompt: Prompt, order: Sequence[str], think: Callable[[], Completion]) -> Completion:
    """What was answered lately, else what `think` answers; however many ask, one of them thinks."""
    is_new = False

    def compute() -> dict[str, Any]:
        nonlocal is_new
        completion = think()
        is_new = True
        return asdict(completion)

    said = Completion(**caches.answers().get(key_of(prompt, order), compute))
    if is_new:
        return said
    return replace(said, input_tokens=0, output_tokens=0, duration_ms=0, stop_reason=REMEMBERED)


def key_of(prompt: Prompt, order: Sequence[str]) -> str:
    models = [(name, model_of(name, prompt.models)) for name in configured(order)]
    return sha256(orjson.dumps([models, asdict(prompt)], default=digest)).hexdigest()


def digest(picture: bytes) -> str:
    return sha256(picture).hexdigest()
