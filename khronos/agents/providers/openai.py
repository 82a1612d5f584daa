"""OpenAI's chat completions, which many other servers speak as well."""

import re
from types import ModuleType
from typing import Any, ClassVar

import httpx2
import openai
from django.conf import settings

from khronos.agents.providers.answers import count, dialogue, dicts, refusal, text_or_failure
from khronos.agents.providers.base import Completion, Prompt
from khronos.agents.providers.sdk import Client, SdkProvider, usable

# These think before they speak, and what they think counts against the limit.
THINKS = re.compile(r"(gpt-[5-9](?!.*chat)|o\d)")
THINKING_TOKENS = 2048


class OpenAIProvider(SdkProvider):
    name: ClassVar[str] = "openai"
    path: ClassVar[str] = "/chat/completions"
    limit_header: ClassVar[str] = "x-ratelimit-limit-requests"
    sdk: ClassVar[ModuleType] = openai

    def open(self, http_client: httpx2.Client) -> Client:
        return openai.OpenAI(
            api_key=usable(settings.OPENAI_API_KEY),
            base_url=settings.OPENAI_BASE_URL,
            max_retries=0,
            http_client=http_client,
        )

    def request(self, prompt: Prompt) -> dict[str, Any]:
        model = settings.OPENAI_MODEL
        lines = dialogue(prompt)
        system = [{"role": "system", "content": prompt.system}] if prompt.system else []
        request: dict[str, Any] = {"model": model, "messages": [*system, *lines]}
        if THINKS.match(model):
            limit = prompt.max_tokens + THINKING_TOKENS
            return request | {"max_completion_tokens": limit, "reasoning_effort": "low"}
        return request | {"max_completion_tokens": prompt.max_tokens}

    def read(self, answer: dict[str, Any], prompt: Prompt) -> Completion:
        choice = next(iter(dicts(answer.get("choices"))), {})
        message = choice.get("message")
        message = message if isinstance(message, dict) else {}
        refused = message.get("refusal")
        stop_reason = str(choice.get("finish_reason") or "")
        if refused or stop_reason == "content_filter":
            stop_reason, text = "refusal", str(refused or "") or refusal(prompt.language)
        else:
            text = text_or_failure(str(message.get("content") or ""), stop_reason)
        usage = answer.get("usage")
        return Completion(
            text=text,
            provider=self.name,
            model=str(answer.get("model") or ""),
            input_tokens=count(usage, "prompt_tokens"),
            output_tokens=count(usage, "completion_tokens"),
            stop_reason=stop_reason,
        )
