"""Anthropic's Messages API."""

from types import ModuleType
from typing import Any, ClassVar

import anthropic
from django.conf import settings

from khronos.agents.providers.answers import REFUSAL, Said, count, dialogue, dicts
from khronos.agents.providers.base import Prompt
from khronos.agents.providers.sdk import SdkProvider

INPUT_COUNTERS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class AnthropicProvider(SdkProvider):
    name = "anthropic"
    path = "/v1/messages"
    limit_header = "anthropic-ratelimit-requests-limit"
    sdk: ClassVar[ModuleType] = anthropic
    client = anthropic.Anthropic

    def request(self, prompt: Prompt) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": settings.ANTHROPIC_MODEL,
            "max_tokens": prompt.max_tokens,
            "messages": dialogue(prompt),
        }
        return request | {"system": prompt.system} if prompt.system else request

    def read(self, answer: dict[str, Any]) -> Said:
        stop_reason = str(answer.get("stop_reason") or "")
        blocks = [block for block in dicts(answer.get("content")) if block.get("type") == "text"]
        text = "".join(str(block.get("text", "")) for block in blocks)
        usage = answer.get("usage")
        return Said(
            text="" if stop_reason == REFUSAL else text,  # what it had begun to say, it took back
            stop_reason=stop_reason,
            input_tokens=count(usage, *INPUT_COUNTERS),
            output_tokens=count(usage, "output_tokens"),
            cached_read_tokens=count(usage, "cache_read_input_tokens"),
            cached_write_tokens=count(usage, "cache_creation_input_tokens"),
        )
