"""Anthropic's Messages API."""

from types import ModuleType
from typing import Any, ClassVar

import anthropic
import httpx2
from django.conf import settings

from khronos.agents.providers.answers import count, dialogue, dicts, refusal, text_or_failure
from khronos.agents.providers.base import Completion, Prompt
from khronos.agents.providers.sdk import Client, SdkProvider, usable

INPUT_COUNTERS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class AnthropicProvider(SdkProvider):
    name: ClassVar[str] = "anthropic"
    path: ClassVar[str] = "/v1/messages"
    limit_header: ClassVar[str] = "anthropic-ratelimit-requests-limit"
    sdk: ClassVar[ModuleType] = anthropic

    def open(self, http_client: httpx2.Client) -> Client:
        return anthropic.Anthropic(
            api_key=usable(settings.ANTHROPIC_API_KEY),
            base_url=settings.ANTHROPIC_BASE_URL,
            max_retries=0,
            http_client=http_client,
        )

    def request(self, prompt: Prompt) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": settings.ANTHROPIC_MODEL,
            "max_tokens": prompt.max_tokens,
            "messages": dialogue(prompt),
        }
        return request | {"system": prompt.system} if prompt.system else request

    def read(self, answer: dict[str, Any], prompt: Prompt) -> Completion:
        stop_reason = str(answer.get("stop_reason") or "")
        blocks = [block for block in dicts(answer.get("content")) if block.get("type") == "text"]
        text = "".join(str(block.get("text", "")) for block in blocks)
        is_refusal = stop_reason == "refusal"
        usage = answer.get("usage")
        return Completion(
            text=refusal(prompt.language) if is_refusal else text_or_failure(text, stop_reason),
            provider=self.name,
            model=str(answer.get("model") or ""),
            input_tokens=count(usage, *INPUT_COUNTERS),
            output_tokens=count(usage, "output_tokens"),
            stop_reason=stop_reason,
        )
