"""OpenAI's chat completions: requests in, answers out, whole or streamed."""

import secrets
import time
from collections.abc import Iterator, Mapping

import orjson

from bench.simulator.models.dialect import Body, ModelError, pieces
from bench.simulator.models.pictures import seen_at
from bench.simulator.models.prompt import Answer, Prompt, Provider, Turn

ERROR_KINDS = {
    401: "invalid_request_error",
    400: "invalid_request_error",
    404: "invalid_request_error",
    429: "requests",
}
ERROR_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
STOPS = {"max_tokens": "length", "refusal": "content_filter"}


class ChatCompletions:
    """`POST /v1/chat/completions`."""

    provider: Provider = "openai"
    no_key = "You didn't provide an API key."
    bad_key = "Incorrect API key provided."

    def key(self, headers: Mapping[str, str]) -> str:
        return headers.get("Authorization", "").removeprefix("Bearer ").strip()

    def read(self, body: Body, headers: Mapping[str, str]) -> Prompt:
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise ModelError(400, "[] is too short - 'messages'")
        system = [text for m in messages if m.get("role") in {"system", "developer"} for text in texts_of(m)]
        options = body.get("stream_options") or {}
        return Prompt(
            provider="openai",
            model=str(body.get("model", "")),
            system="\n".join(system),
            turns=[_turn(m) for m in messages if m.get("role") not in {"system", "developer"}],
            tools=[str(tool.get("function", {}).get("name", "")) for tool in body.get("tools") or []],
            must=_forced(body),
            stream=bool(body.get("stream")),
            max_tokens=int(body.get("max_completion_tokens") or body.get("max_tokens") or 0),
            include_usage=bool(options.get("include_usage")),
        )

    def whole(self, prompt: Prompt, answer: Answer) -> Body:
        message: Body = {"role": "assistant", "content": answer.text or None, "refusal": None}
        if answer.tools:
            message["tool_calls"] = _tool_calls(answer)
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _stop(answer)}
        return {
            **_envelope(prompt, "chat.completion"),
            "choices": [choice],
            "usage": _usage(prompt, answer),
        }

    def events(self, prompt: Prompt, answer: Answer) -> Iterator[bytes]:
        envelope = _envelope(prompt, "chat.completion.chunk")
        yield _chunk(envelope, {"role": "assistant", "content": "", "refusal": None})
        for piece in pieces(answer.text):
            yield _chunk(envelope, {"content": piece})
        for index, call in enumerate(_tool_calls(answer)):
            yield _chunk(envelope, {"tool_calls": [{"index": index, **call}]})
        yield _chunk(envelope, {}, _stop(answer))
        if prompt.include_usage:
            yield _data({**envelope, "choices": [], "usage": _usage(prompt, answer)})
        yield b"data: [DONE]\n\n"

    def error(self, error: ModelError) -> Body:
        return {
            "error": {
                "message": error.message,
                "type": error.kind or ERROR_KINDS.get(error.status, "server_error"),
                "param": None,
                "code": ERROR_CODES.get(error.status),
            }
        }

    def error_event(self, error: ModelError) -> bytes:
        return _data(self.error(error))


def _forced(body: Body) -> str:
    choice = body.get("tool_choice")
    return str(choice.get("function", {}).get("name", "")) if isinstance(choice, dict) else ""


def texts_of(message: Body) -> list[str]:
    content = message.get("content")
    if isinstance(content, str):
        return [content] if content else []
    parts = content if isinstance(content, list) else []
    return [str(part["text"]) for part in parts if "text" in part]


def _turn(message: Body) -> Turn:
    texts = tuple(texts_of(message))
    if message.get("role") == "tool":
        return Turn("user", (), texts)
    calls = len(message.get("tool_calls") or [])
    return Turn(str(message.get("role")), texts, (), calls, tuple(images_of(message)))


def images_of(message: Body) -> Iterator[str]:
    content = message.get("content")
    for part in content if isinstance(content, list) else []:
        if part.get("type") == "image_url":
            yield seen_at(str(part["image_url"]["url"]))


def _tool_calls(answer: Answer) -> list[Body]:
    return [
        {
            "id": new_id("call_"),
            "type": "function",
            "function": {"name": tool.name, "arguments": orjson.dumps(tool.arguments).decode()},
        }
        for tool in answer.tools
    ]


def _stop(answer: Answer) -> str:
    return STOPS.get(answer.stop, answer.stop) or ("tool_calls" if answer.tools else "stop")


def _envelope(prompt: Prompt, kind: str) -> Body:
    return {
        "id": new_id("chatcmpl-"),
        "object": kind,
        "created": int(time.time()),
        "model": prompt.model,
        "service_tier": "default",
        "system_fingerprint": "fp_simulated",
    }


def _usage(prompt: Prompt, answer: Answer) -> Body:
    """Here the cached tokens are counted among the others."""
    billed = answer.billed(prompt)
    given = billed.input + billed.cache_read
    return {
        "prompt_tokens": given,
        "completion_tokens": billed.output,
        "total_tokens": given + billed.output,
        "prompt_tokens_details": {"cached_tokens": billed.cache_read},
    }


def _chunk(envelope: Body, delta: Body, stop: str | None = None) -> bytes:
    return _data({**envelope, "choices": [{"index": 0, "delta": delta, "finish_reason": stop}]})


def _data(value: Body) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def new_id(prefix: str) -> str:
    return prefix + secrets.token_hex(12)
