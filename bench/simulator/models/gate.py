"""The HTTP face of the models: key, faults, latency, answer; every call goes into the ledger."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from bench.simulator import wire
from bench.simulator.faults import Fault
from bench.simulator.models.anthropic import Anthropic
from bench.simulator.models.dialect import Body, Dialect, ModelError
from bench.simulator.models.ledger import ModelCall
from bench.simulator.models.openai import ChatCompletions
from bench.simulator.models.prompt import Answer, Prompt
from bench.simulator.models.stream import stream

if TYPE_CHECKING:
    from bench.simulator.models.service import Models

DIALECTS: dict[str, Dialect] = {
    "/v1/messages": Anthropic(),
    "/v1/chat/completions": ChatCompletions(),
}
REASONS = {
    401: "invalid x-api-key",
    429: "Number of requests has exceeded your rate limit.",
    500: "Internal server error",
    529: "Overloaded",
}


class Gate:
    """Takes `/v1/…`."""

    def __init__(self, models: Models) -> None:
        self._models = models

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        dialect = DIALECTS.get(request.path)
        if dialect is None:
            return wire.json_response({"error": {"message": "Not found", "type": "not_found_error"}}, 404)
        models = self._models
        call = ModelCall(time.time(), dialect.provider, request.path)
        models.in_flight += 1
        call.concurrency = models.in_flight
        models.most_in_flight = max(models.most_in_flight, models.in_flight)
        try:
            return await self._converse(request, dialect, call)
        except ModelError as error:
            call.outcome = f"{error.status} {error.message}"
            return self._refuse(dialect, error)
        finally:
            models.in_flight -= 1
            call.seconds = time.time() - call.at
            models.ledger.append(call)
            models.home.changed()

    async def _converse(
        self, request: web.BaseRequest, dialect: Dialect, call: ModelCall
    ) -> web.StreamResponse:
        models = self._models
        call.key = dialect.key(request.headers)
        body = _object(await request.read())
        self._check_key(call.key)
        prompt = dialect.read(body, request.headers)
        _note(call, prompt)
        if prompt.model not in models.known[prompt.provider]:
            raise ModelError(404, f"model: {prompt.model}")
        wait = models.quotas[prompt.provider].take(models.in_flight)
        if wait:
            raise ModelError(429, REASONS[429], retry_after=wait)
        fault = models.faults.pick(provider=prompt.provider, model=prompt.model)
        if fault is not None:
            call.outcome = fault.outcome
            early = await self._fail_early(request, fault)
            if early is not None:
                return early
        await asyncio.sleep(models.latency.sample(models.chance))
        answer = _spoil(models.script.answer(prompt), fault)
        return await self._send(request, dialect, prompt, answer, call, fault)

    async def _fail_early(self, request: web.BaseRequest, fault: Fault) -> web.StreamResponse | None:
        """The faults that strike before the model thinks."""
        if fault.seconds and fault.kind != "trickle":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "status":
            message = fault.description or REASONS.get(fault.status, "simulated")
            raise ModelError(fault.status, message, retry_after=fault.retry_after)
        if fault.kind == "reset":
            return wire.reset(request)
        if fault.kind == "hang":
            return await wire.hang()
        return None

    async def _send(
        self,
        request: web.BaseRequest,
        dialect: Dialect,
        prompt: Prompt,
        answer: Answer,
        call: ModelCall,
        fault: Fault | None,
    ) -> web.StreamResponse:
        headers = {**self._models.quotas[prompt.provider].headers(prompt.provider), **_ids(dialect)}
        if fault is not None and fault.kind in {"lost", "lost_hang"}:
            return wire.reset(request) if fault.kind == "lost" else await wire.hang()
        if prompt.stream or (fault is not None and fault.kind in {"trickle", "cut"}):
            response = await stream(request, dialect, prompt, answer, headers, fault)
        else:
            response = wire.json_response(dialect.whole(prompt, answer), headers=headers)
            if fault is not None and fault.kind == "garbled":
                response = wire.garble(response)
        call.answer = answer.text
        if fault is None:
            call.outcome = "ok"
        return response

    def _check_key(self, key: str) -> None:
        if not key:
            raise ModelError(401, "x-api-key header is required")
        if self._models.keys and key not in self._models.keys:
            raise ModelError(401, "invalid x-api-key")

    def _refuse(self, dialect: Dialect, error: ModelError) -> web.Response:
        headers = {**self._models.quotas[dialect.provider].headers(dialect.provider), **_ids(dialect)}
        if error.retry_after is not None:
            headers["retry-after"] = f"{error.retry_after:g}"
        return wire.json_response(dialect.error(error), error.status, headers)


def _object(raw: bytes) -> Body:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ModelError(400, "The request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise ModelError(400, "The request body must be a JSON object")
    return body


def _note(call: ModelCall, prompt: Prompt) -> None:
    call.model = prompt.model
    call.question = prompt.question
    call.messages = len(prompt.turns)
    call.system_length = len(prompt.system)
    call.tools = len(prompt.tools)
    call.stream = prompt.stream


def _spoil(answer: Answer, fault: Fault | None) -> Answer:
    if fault is None:
        return answer
    if fault.kind == "empty":
        return Answer(stop=answer.stop)
    if fault.kind == "refusal":
        return Answer(stop="refusal")
    if fault.kind == "max_tokens":
        return Answer(answer.text[: len(answer.text) // 2], stop="max_tokens")
    return answer


def _ids(dialect: Dialect) -> dict[str, str]:
    name = "request-id" if dialect.provider == "anthropic" else "x-request-id"
    return {name: f"req_{time.time_ns():x}"}
