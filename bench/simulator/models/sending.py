"""Sends an answer, whole or as server-sent events; as a fault wills, slowly, broken or not to the end."""

import asyncio
from collections.abc import Iterator

import orjson
from aiohttp import web

from bench.simulator import wire
from bench.simulator.faults import Fault
from bench.simulator.models.dialect import Dialect, ModelError, pieces
from bench.simulator.models.prompt import Answer, Prompt

TRICKLE_SECONDS = 0.1  # between two pieces, where the order does not say
SLOWLY = frozenset({"trickle", "cut", "stream_error"})
EVENTS = "text/event-stream; charset=utf-8"
JSON = "application/json"

type Headers = dict[str, str]


async def send(
    request: web.BaseRequest,
    dialect: Dialect,
    prompt: Prompt,
    answer: Answer,
    headers: Headers,
    fault: Fault | None,
) -> web.StreamResponse:
    """Without a fault a stream is one write: a reader of events cannot tell, and it is ten times cheaper."""
    if fault is not None and fault.kind == "lost":
        return wire.reset(request)
    if fault is not None and fault.kind == "lost_hang":
        return await wire.hang()
    events = dialect.events(prompt, answer) if prompt.stream else _whole(dialect, prompt, answer)
    headers = {"Content-Type": EVENTS if prompt.stream else JSON, **headers}
    if fault is not None and fault.kind in SLOWLY:
        return await _send_slowly(request, dialect, list(events), headers, fault)
    response = web.Response(body=b"".join(events), headers=headers)
    if fault is not None and fault.kind == "garbled":
        return wire.garble(response)
    return response


async def _send_slowly(
    request: web.BaseRequest, dialect: Dialect, events: list[bytes], headers: Headers, fault: Fault
) -> web.StreamResponse:
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    shown = events if fault.kind == "trickle" else events[: max(1, len(events) // 2)]
    for event in shown:
        await response.write(event)
        if fault.kind == "trickle":
            await asyncio.sleep(fault.seconds or TRICKLE_SECONDS)
    if fault.kind == "cut":
        return wire.reset(request)
    if fault.kind == "stream_error":
        await response.write(dialect.error_event(ModelError(529, "Overloaded")))
    await response.write_eof()
    return response


def _whole(dialect: Dialect, prompt: Prompt, answer: Answer) -> Iterator[bytes]:
    body = orjson.dumps(dialect.whole(prompt, answer)).decode()
    return (piece.encode() for piece in pieces(body, 200))


def spoil(answer: Answer, fault: Fault | None) -> Answer:
    """The faults that are in the answer itself."""
    if fault is None:
        return answer
    if fault.kind == "empty":
        return Answer(stop=answer.stop)
    if fault.kind == "refusal":
        return Answer(stop="refusal")
    if fault.kind == "max_tokens":
        return Answer(answer.text[: len(answer.text) // 2], stop="max_tokens")
    return answer
