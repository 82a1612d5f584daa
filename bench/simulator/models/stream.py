"""Sends an answer in pieces: as server-sent events, slowly, or not to the end."""

import asyncio
from collections.abc import Iterator

import orjson
from aiohttp import web

from bench.simulator import wire
from bench.simulator.faults import Fault
from bench.simulator.models.dialect import Dialect, ModelError, pieces
from bench.simulator.models.prompt import Answer, Prompt

TRICKLE_SECONDS = 0.1  # between two pieces, where the order does not say


async def stream(
    request: web.BaseRequest,
    dialect: Dialect,
    prompt: Prompt,
    answer: Answer,
    headers: dict[str, str],
    fault: Fault | None,
) -> web.StreamResponse:
    """One write when nothing is wrong: an SSE reader cannot tell, and it is ten times cheaper."""
    events = list(dialect.events(prompt, answer) if prompt.stream else _whole(dialect, prompt, answer))
    content_type = "text/event-stream; charset=utf-8" if prompt.stream else "application/json"
    if fault is None:
        return web.Response(body=b"".join(events), headers={"Content-Type": content_type, **headers})
    response = web.StreamResponse(headers={"Content-Type": content_type, **headers})
    await response.prepare(request)
    for event in _shown(events, fault):
        await response.write(event)
        if fault.kind == "trickle":
            await asyncio.sleep(fault.seconds or TRICKLE_SECONDS)
    if fault.kind == "cut":
        return wire.reset(request)
    if fault.kind == "stream_error":
        await response.write(dialect.error_event(ModelError(529, "Overloaded")))
    await response.write_eof()
    return response


def _shown(events: list[bytes], fault: Fault) -> list[bytes]:
    broken_off = fault.kind in {"cut", "stream_error"}
    return events[: max(1, len(events) // 2)] if broken_off else events


def _whole(dialect: Dialect, prompt: Prompt, answer: Answer) -> Iterator[bytes]:
    body = orjson.dumps(dialect.whole(prompt, answer)).decode()
    return (piece.encode() for piece in pieces(body))
