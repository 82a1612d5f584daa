"""The Messages API of Anthropic: requests in, answers out, whole or streamed."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace

import orjson

from bench.simulator.models.dialect import Body, ModelError, pieces
from bench.simulator.models.pictures import seen
from bench.simulator.models.prompt import Answer, Prompt, Provider, Turn, Usage

ERROR_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class Anthropic:
    """`POST /v1/messages`."""

    provider: Provider = "anthropic"
    no_key = "x-api-key header is required"
    bad_key = "invalid x-api-key"

    def key(self, headers: Mapping[str, str]) -> str:
        return headers.get("x-api-key", "") or headers.get("Authorization", "").removeprefix("Bearer ")

    def read(self, body: Body, headers: Mapping[str, str]) -> Prompt:
        if "anthropic-version" not in headers:
            raise ModelError(400, "anthropic-version: header is required")
        max_tokens = body.get("max_tokens")
        if not isinstance(max_tokens, int) or max_tokens < 1:
            raise ModelError(400, "max_tokens: Field required")
        model = str(body.get("model", ""))
        if model.endswith("-5-5") and "temperature" in body:
            raise ModelError(400, "temperature: this model does not support the parameter")
        return read_prompt(body, max_tokens)

    def whole(self, prompt: Prompt, answer: Answer) -> Body:
        return {
            **_envelope(prompt),
            "content": list(_blocks(answer)),
            "stop_reason": _stop(answer),
            "stop_sequence": None,
            "usage": _usage(answer.billed(prompt)),
        }

    def events(self, prompt: Prompt, answer: Answer) -> Iterator[bytes]:
        billed = answer.billed(prompt)
        opening: Body = {
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": _usage(replace(billed, output=1)),
        }
        yield _event("message_start", message={**_envelope(prompt), **opening})
        yield _event("ping")
        for index, block in enumerate(_blocks(answer)):
            yield from _block_events(index, block)
        delta = {"stop_reason": _stop(answer), "stop_sequence": None}
        yield _event("message_delta", delta=delta, usage={"output_tokens": billed.output})
        yield _event("message_stop")

    def error(self, error: ModelError) -> Body:
        kind = error.kind or ERROR_KINDS.get(error.status, "api_error")
        return {
            "type": "error",
            "error": {"type": kind, "message": error.message},
            "request_id": _id("req"),
        }

    def error_event(self, error: ModelError) -> bytes:
        return b"event: error\ndata: " + orjson.dumps(self.error(error)) + b"\n\n"


def read_prompt(body: Body, max_tokens: int) -> Prompt:
    return Prompt(
        provider="anthropic",
        model=str(body.get("model", "")),
        system="\n".join(_texts(body.get("system", ""))),
        turns=read_turns(body.get("messages")),
        tools=[str(tool.get("name", "")) for tool in body.get("tools") or []],
        must=_forced(body),
        stream=bool(body.get("stream")),
        max_tokens=max_tokens,
    )


def _forced(body: Body) -> str:
    name = str((body.get("tool_choice") or {}).get("name", ""))
    if name and name not in [tool.get("name") for tool in body.get("tools") or []]:
        raise ModelError(400, f"tool_choice: tool {name!r} not found in provided tools")
    return name


def read_turns(messages: object) -> list[Turn]:
    """The conversation, checked as the real API checks it."""
    if not isinstance(messages, list) or not messages:
        raise ModelError(400, "messages: at least one message is required")
    turns = []
    for index, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in {"user", "assistant"}:
            raise ModelError(400, f'messages: Unexpected role "{role}". Allowed: "user" or "assistant".')
        turns.append(_turn(index, role, message.get("content")))
    if turns[0].role != "user":
        raise ModelError(400, 'messages: first message must use the "user" role')
    _check_tools(messages)
    return turns


def _check_tools(messages: list[Body]) -> None:
    """Each tool_use has its tool_result in the very next message, and none comes without one."""
    asked: set[str] = set()
    for index, message in enumerate(messages):
        blocks = message["content"] if isinstance(message["content"], list) else []
        answered = {str(b.get("tool_use_id")) for b in blocks if b.get("type") == "tool_result"}
        if asked - answered:
            wanted = ", ".join(sorted(asked - answered))
            without = "`tool_use` ids were found without `tool_result` blocks immediately after"
            raise ModelError(400, f"messages.{index}: {without}: {wanted}")
        if answered - asked:
            found = ", ".join(sorted(answered - asked))
            unexpected = "unexpected `tool_use_id` found in `tool_result` blocks"
            raise ModelError(400, f"messages.{index}: {unexpected}: {found}")
        asked = {str(b.get("id")) for b in blocks if b.get("type") == "tool_use"}


def _turn(index: int, role: str, content: object) -> Turn:
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(blocks, list) or not blocks:
        raise ModelError(400, f"messages.{index}: all messages must have non-empty content")
    texts, results, images, calls = [], [], [], 0
    for block in blocks:
        if block.get("type") == "text":
            if not str(block.get("text", "")).strip():
                raise ModelError(400, "messages: text content blocks must be non-empty")
            texts.append(str(block["text"]))
        elif block.get("type") == "tool_result":
            results.append("\n".join(_texts(block.get("content", ""))))
        elif block.get("type") == "tool_use":
            calls += 1
        elif block.get("type") == "image":
            source = block.get("source") or {}
            images.append(seen(str(source.get("media_type")), str(source.get("data"))))
    return Turn(role, tuple(texts), tuple(results), calls, tuple(images))


def _texts(content: object) -> list[str]:
    if isinstance(content, str):
        return [content] if content else []
    blocks = content if isinstance(content, list) else []
    return [str(block.get("text", "")) for block in blocks if block.get("type") == "text"]


def _blocks(answer: Answer) -> Iterator[Body]:
    if answer.text:
        yield {"type": "text", "text": answer.text}
    for tool in answer.tools:
        yield {"type": "tool_use", "id": _id("toolu"), "name": tool.name, "input": tool.arguments}


def _block_events(index: int, block: Body) -> Iterator[bytes]:
    if block["type"] == "text":
        empty: Body = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
    else:
        empty = {**block, "input": {}}
        written = orjson.dumps(block["input"]).decode()
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces(written))]
    yield _event("content_block_start", index=index, content_block=empty)
    for delta in deltas:
        yield _event("content_block_delta", index=index, delta=delta)
    yield _event("content_block_stop", index=index)


def _stop(answer: Answer) -> str:
    return answer.stop or ("tool_use" if answer.tools else "end_turn")


def _envelope(prompt: Prompt) -> Body:
    return {"id": _id("msg"), "type": "message", "role": "assistant", "model": prompt.model}


def _usage(billed: Usage) -> Body:
    return {
        "input_tokens": billed.input,
        "cache_creation_input_tokens": billed.cache_write,
        "cache_read_input_tokens": billed.cache_read,
        "output_tokens": billed.output,
        "service_tier": "standard",
    }


def _event(name: str, **fields: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps({"type": name, **fields}))


def _id(prefix: str) -> str:
    return f"{prefix}_01{secrets.token_hex(11)}"
