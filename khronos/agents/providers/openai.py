"""OpenAI's chat completions, which many other servers speak as well."""

from types import ModuleType
from typing import Any, ClassVar

import openai
from django.conf import settings

from khronos.agents.providers.answers import REFUSAL, THINKS, Said, count, dialogue, dicts, most_tokens
from khronos.agents.providers.base import Prompt
from khronos.agents.providers.sdk import SdkProvider


class OpenAIProvider(SdkProvider):
    name = "openai"
    path = "/chat/completions"
    limit_header = "x-ratelimit-limit-requests"
    sdk: ClassVar[ModuleType] = openai
    client = openai.OpenAI

    def request(self, prompt: Prompt) -> dict[str, Any]:
        model = settings.OPENAI_MODEL
        lines = dialogue(prompt)
        system = [{"role": "system", "content": prompt.system}] if prompt.system else []
        request: dict[str, Any] = {"model": model, "messages": [*system, *lines]}
        if THINKS.match(model):
            limit = most_tokens(model, prompt)
            return request | {"max_completion_tokens": limit, "reasoning_effort": "low"}
        return request | {"max_completion_tokens": prompt.max_tokens}

    def read(self, answer: dict[str, Any]) -> Said:
        choice = next(iter(dicts(answer.get("choices"))), {})
        message = choice.get("message")
        message = message if isinstance(message, dict) else {}
        refused = str(message.get("refusal") or "")
        stop_reason = str(choice.get("finish_reason") or "")
        is_refusal = bool(refused) or stop_reason == "content_filter"
        usage = answer.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        return Said(
            text=refused if is_refusal else str(message.get("content") or ""),
            stop_reason=REFUSAL if is_refusal else stop_reason,
            input_tokens=count(usage, "prompt_tokens"),
            output_tokens=count(usage, "completion_tokens"),
            cached_read_tokens=count(usage.get("prompt_tokens_details"), "cached_tokens"),
        )
