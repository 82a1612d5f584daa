"""Anthropic's Messages API."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from khronos.agents.providers import model_of
from khronos.agents.providers.answers import REFUSAL, Said, call_id, count, dialogue, dicts, name_of
from khronos.agents.providers.base import Ask, Image, Prompt
from khronos.agents.providers.hosted import HostedProvider

VERSION = "2023-06-01"  # of the API: answers keep their form
# It reads what stands before a mark from its cache, where it has seen just that within five minutes.
REMEMBER = {"cache_control": {"type": "ephemeral"}}
INPUT_COUNTERS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class AnthropicProvider(HostedProvider):
    name = "anthropic"
    path = "/v1/messages"
    limit_header = "anthropic-ratelimit-requests-limit"
    models_path = "/v1/models"

    @staticmethod
    def signed(key: str) -> dict[str, str]:
        return {"x-api-key": key, "anthropic-version": VERSION}

    def request(self, prompt: Prompt) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": model_of(self.name, prompt.models),
            "max_tokens": prompt.max_tokens,
            "messages": messages(prompt),
        }
        if prompt.tools:
            request["tools"] = [
                {"name": spec.name, "description": spec.description, "input_schema": spec.takes}
                for spec in prompt.tools
            ]
            if prompt.must_ask:
                request["tool_choice"] = {"type": "tool", "name": prompt.must_ask}
            elif not prompt.may_ask:
                request["tool_choice"] = {"type": "none"}
        return request | {"system": [text_block(prompt.system) | REMEMBER]} if prompt.system else request

    def read(self, answer: dict[str, Any]) -> Said:
        stop_reason = str(answer.get("stop_reason") or "")
        blocks = dicts(answer.get("content"))
        text = "".join(str(block.get("text", "")) for block in blocks if block.get("type") == "text")
        usage = answer.get("usage")
        return Said(
            text="" if stop_reason == REFUSAL else text,  # what it had begun to say, it took back
            stop_reason=stop_reason,
            input_tokens=count(usage, *INPUT_COUNTERS),
            output_tokens=count(usage, "output_tokens"),
            cached_read_tokens=count(usage, "cache_read_input_tokens"),
            cached_write_tokens=count(usage, "cache_creation_input_tokens"),
            asks=[
                Ask(str(block.get("name", "")), block.get("input"), str(block.get("id", "")))
                for block in blocks
                if block.get("type") == "tool_use"
            ],
        )


def shown(image: Image) -> dict[str, Any]:
    source = {"type": "base64", "media_type": image.media_type, "data": b64encode(image.data).decode()}
    return {"type": "image", "source": source}


def messages(prompt: Prompt) -> list[dict[str, Any]]:
    """A mark behind the history, which the next question will have before it; one behind what tools told."""
    said = [each | {"content": blocks_of(each["content"])} for each in dialogue(prompt, shown)]
    rounds = list(exchanges(prompt))
    for stable in (said[-2:-1], rounds[-1:]):
        for message in stable:
            message["content"][-1] |= REMEMBER
    return [*said, *rounds]


def blocks_of(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [text_block(content)] if isinstance(content, str) else content


def text_block(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def exchanges(prompt: Prompt) -> Iterator[dict[str, Any]]:
    """What it asked for and was told, after the last line."""
    for number, each in enumerate(prompt.rounds):
        said: list[dict[str, Any]] = [{"type": "text", "text": each.words}] if each.words.strip() else []
        heard: list[dict[str, Any]] = []
        for position, told in enumerate(each.told):
            id_, ask = call_id(number, position), told.ask
            given = ask.arguments if isinstance(ask.arguments, dict) else {}
            said.append({"type": "tool_use", "id": id_, "name": name_of(ask), "input": given})
            result = {"type": "tool_result", "tool_use_id": id_, "content": told.text}
            heard.append(result | {"is_error": True} if told.is_error else result)
        yield {"role": "assistant", "content": said}
        yield {"role": "user", "content": heard}
