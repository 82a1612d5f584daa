"""OpenAI's responses: the newer address, with items in place of messages."""

import time
from collections.abc import Iterator, Mapping

import orjson

from bench.simulator.models.dialect import Body, ModelError, pieces
from bench.simulator.models.openai import ChatCompletions, new_id, texts_of
from bench.simulator.models.prompt import Answer, Prompt, Turn


class Responses(ChatCompletions):
    """`POST /v1/responses`. Keys and errors are those of the older address."""

    def read(self, body: Body, headers: Mapping[str, str]) -> Prompt:
        given = body.get("input")
        items = [{"role": "user", "content": given}] if isinstance(given, str) else given
        if not isinstance(items, list) or not items:
            raise ModelError(400, "Missing required parameter: 'input'.")
        system = [text for item in items if _is_system(item) for text in texts_of(item)]
        return Prompt(
            provider="openai",
            model=str(body.get("model", "")),
            system="\n".join([str(body.get("instructions") or ""), *system]).strip(),
            turns=[_turn(item) for item in items if not _is_system(item)],
            tools=[str(tool.get("name", "")) for tool in body.get("tools") or []],
            stream=bool(body.get("stream")),
            max_tokens=int(body.get("max_output_tokens") or 0),
        )

    def whole(self, prompt: Prompt, answer: Answer) -> Body:
        cut = answer.stop == "max_tokens"
        return {
            **_envelope(prompt, "incomplete" if cut else "completed"),
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "output": _output(answer),
            "usage": _usage(prompt, answer),
        }

    def events(self, prompt: Prompt, answer: Answer) -> Iterator[bytes]:
        whole = self.whole(prompt, answer)
        begun = {**whole, "status": "in_progress", "output": [], "usage": None}
        numbered = enumerate(
            [
                ("response.created", {"response": begun}),
                *(event for index, item in enumerate(whole["output"]) for event in _item_events(index, item)),
                (f"response.{whole['status']}", {"response": whole}),
            ]
        )
        for number, (name, fields) in numbered:
            data = orjson.dumps({"type": name, "sequence_number": number, **fields})
            yield b"event: %s\ndata: %s\n\n" % (name.encode(), data)


def _is_system(item: Body) -> bool:
    return item.get("role") in {"system", "developer"}


def _turn(item: Body) -> Turn:
    if item.get("type") == "function_call_output":
        return Turn("user", (), (str(item.get("output", "")),))
    if item.get("type") == "function_call":
        return Turn("assistant", (), (), 1)
    return Turn(str(item.get("role")), tuple(texts_of(item)))


def _output(answer: Answer) -> list[Body]:
    output: list[Body] = []
    if answer.text or answer.stop == "refusal":
        part: Body = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
        if answer.stop == "refusal":
            part = {"type": "refusal", "refusal": answer.text or "I cannot help with that."}
        item = {"type": "message", "id": new_id("msg_"), "status": "completed", "role": "assistant"}
        output.append({**item, "content": [part]})
    for tool in answer.tools:
        call = {"type": "function_call", "id": new_id("fc_"), "call_id": new_id("call_"), "name": tool.name}
        output.append({**call, "arguments": orjson.dumps(tool.arguments).decode(), "status": "completed"})
    return output


def _item_events(index: int, item: Body) -> Iterator[tuple[str, Body]]:
    place = {"output_index": index, "item_id": item["id"]}
    begun = {**item, "status": "in_progress"}
    if item["type"] == "function_call":
        yield "response.output_item.added", {"output_index": index, "item": {**begun, "arguments": ""}}
        yield "response.function_call_arguments.delta", {**place, "delta": item["arguments"]}
        done = {**place, "name": item["name"], "arguments": item["arguments"]}
        yield "response.function_call_arguments.done", done
    else:
        part = item["content"][0]
        place["content_index"] = 0
        yield "response.output_item.added", {"output_index": index, "item": {**begun, "content": []}}
        yield "response.content_part.added", {**place, "part": {**part, "text": ""}}
        for piece in pieces(part.get("text", "")):
            yield "response.output_text.delta", {**place, "delta": piece, "logprobs": []}
        yield "response.output_text.done", {**place, "text": part.get("text", ""), "logprobs": []}
        yield "response.content_part.done", {**place, "part": part}
    yield "response.output_item.done", {"output_index": index, "item": item}


def _envelope(prompt: Prompt, status: str) -> Body:
    return {
        "id": new_id("resp_"),
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "error": None,
        "instructions": None,
        "metadata": {},
        "model": prompt.model,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
    }


def _usage(prompt: Prompt, answer: Answer) -> Body:
    billed = answer.billed(prompt)
    given = billed.input + billed.cache_read
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": billed.cache_read},
        "output_tokens": billed.output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": given + billed.output,
    }
