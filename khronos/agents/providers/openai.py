"""OpenAI's chat completions, which many other servers speak as well."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import orjson

from khronos.agents.providers import model_of
from khronos.agents.providers.answers import (
    REFUSAL,
    THINKS,
    Said,
    call_id,
    count,
    dialogue,
    dicts,
    most_tokens,
    name_of,
)
from khronos.agents.providers.base import Ask, Image, Prompt
from khronos.agents.providers.hosted import HostedProvider
from khronos.http.vendors import bearer


class OpenAIProvider(HostedProvider):
    name = "openai"
    path = "/chat/completions"
    limit_header = "x-ratelimit-limit-requests"
    models_path = "/models"

    @staticmethod
    def signed(key: str) -> dict[str, str]:
        return bearer(key)

    def request(self, prompt: Prompt) -> dict[str, Any]:
        model = model_of(self.name, prompt.models)
        lines = dialogue(prompt, shown)
        system = [{"role": "system", "content": prompt.system}] if prompt.system else []
        request: dict[str, Any] = {"model": model, "messages": [*system, *lines, *exchanges(prompt)]}
        if prompt.tools:
            request |= offered(prompt)
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
            asks=[ask_of(call) for call in dicts(message.get("tool_calls"))],
        )


def shown(image: Image) -> dict[str, Any]:
    url = f"data:{image.media_type};base64,{b64encode(image.data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def offered(prompt: Prompt) -> dict[str, Any]:
    tools = [
        {
            "type": "function",
            "function": {"name": spec.name, "description": spec.description, "parameters": spec.takes},
        }
        for spec in prompt.tools
    ]
    if prompt.must_ask:
        return {"tools": tools, "tool_choice": {"type": "function", "function": {"name": prompt.must_ask}}}
    return {"tools": tools} if prompt.may_ask else {"tools": tools, "tool_choice": "none"}


def ask_of(call: dict[str, Any]) -> Ask:
    """Its arguments are JSON within JSON, and not always whole."""
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    text = str(function.get("arguments") or "{}")
    try:
        arguments = orjson.loads(text)
    except ValueError:
        arguments = text
    return Ask(str(function.get("name", "")), arguments, str(call.get("id", "")))


def exchanges(prompt: Prompt) -> Iterator[dict[str, Any]]:
    """What it asked for and was told, after the last line."""
    for number, each in enumerate(prompt.rounds):
        ids = [call_id(number, position) for position in range(len(each.told))]
        calls = [
            {
                "id": id_,
                "type": "function",
                "function": {"name": name_of(told.ask), "arguments": text_of(told.ask)},
            }
            for id_, told in zip(ids, each.told, strict=True)
        ]
        yield {"role": "assistant", "content": each.words or None, "tool_calls": calls}
        for id_, told in zip(ids, each.told, strict=True):
            yield {"role": "tool", "tool_call_id": id_, "content": told.text}


def text_of(ask: Ask) -> str:
    return orjson.dumps(ask.arguments if isinstance(ask.arguments, dict) else {}).decode()
