"""The HTTP face of the models: key, limit, faults, latency, answer; every call goes into the ledger."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from bench.simulator import wire
from bench.simulator.faults import Fault
from bench.simulator.models import sidedoor
from bench.simulator.models.anthropic import Anthropic
from bench.simulator.models.dialect import Body, Dialect, ModelError
from bench.simulator.models.ledger import ModelCall
from bench.simulator.models.openai import ChatCompletions
from bench.simulator.models.prompt import Prompt, Provider
from bench.simulator.models.responses import Responses
from bench.simulator.models.sending import send, spoil

if TYPE_CHECKING:
    from bench.simulator.models.service import Models

ANTHROPIC, OPENAI = Anthropic(), ChatCompletions()
DIALECTS: dict[str, Dialect] = {
    "/v1/messages": ANTHROPIC,
    "/v1/chat/completions": OPENAI,
    "/v1/responses": Responses(),
    sidedoor.TRANSCRIPTIONS: OPENAI,
}
SPEAKERS: dict[Provider, Dialect] = {"anthropic": ANTHROPIC, "openai": OPENAI}
DRIP_SECONDS = 0.1  # between two bytes, where the order does not say
REASONS = {
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
            return await self._look_up(request)
        load = self._models.loads[dialect.provider]
        call = ModelCall(time.time(), dialect.provider, request.path, concurrency=load.enter())
        call.trace_id = request.headers.get("X-Trace-Id", "")
        call.correlation_id = request.headers.get("X-Correlation-ID", "")
        try:
            if request.path == sidedoor.TRANSCRIPTIONS:
                return await self._transcribe(request, dialect, call)
            return await self._converse(request, dialect, call)
        except ModelError as error:
            if not call.outcome.startswith("fault:"):
                call.outcome = f"{error.status} {error.message}"
            return self._refuse(dialect, error)
        finally:
            load.leave()
            call.seconds = time.time() - call.at
            self._models.ledger.append(call)
            self._models.home.changed()

    async def _converse(
        self, request: web.BaseRequest, dialect: Dialect, call: ModelCall
    ) -> web.StreamResponse:
        models = self._models
        body = _object(await request.read())
        self._check_key(request, dialect, call)
        prompt = dialect.read(body, request.headers)
        prompt.body = body
        _note(call, prompt)
        fault = self._admit(call)
        early = await self._fail_early(request, fault)
        if early is not None:
            return early
        await asyncio.sleep(models.latency.sample(models.chance))
        await models.may_answer.wait()
        models.seen.look(prompt)
        answer = spoil(models.script.answer(prompt), fault)
        call.answer = answer.text
        response = await send(request, dialect, prompt, answer, self._headers(dialect), fault)
        if fault is None:
            call.outcome = "ok"
        return response

    async def _transcribe(
        self, request: web.BaseRequest, dialect: Dialect, call: ModelCall
    ) -> web.StreamResponse:
        """The recording's own bytes are taken for what is said in it."""
        self._check_key(request, dialect, call)
        call.model, recording = await sidedoor.read_recording(request)
        fault = self._admit(call)
        early = await self._fail_early(request, fault)
        if early is not None:
            return early
        await asyncio.sleep(self._models.latency.sample(self._models.chance))
        call.answer = recording.decode("utf-8", "replace")
        if fault is None:
            call.outcome = "ok"
        return wire.json_response({"text": call.answer}, headers=self._headers(dialect))

    def _admit(self, call: ModelCall) -> Fault | None:
        """Check model and rate limit; the fault, if any, that befalls the call."""
        models = self._models
        if call.model not in models.known[call.provider]:
            raise ModelError(404, f"model: {call.model}")
        wait = models.quotas[call.provider].take(call.concurrency)
        if wait:
            raise ModelError(429, REASONS[429], retry_after=wait)
        fault = models.faults.pick(provider=call.provider, model=call.model)
        if fault is not None:
            call.outcome = fault.outcome
        return fault

    async def _fail_early(self, request: web.BaseRequest, fault: Fault | None) -> web.StreamResponse | None:
        """The faults that strike before the model thinks."""
        if fault is None:
            return None
        if fault.kind == "drip":
            return await wire.drip(request, fault.seconds or DRIP_SECONDS)
        if fault.seconds and fault.kind != "trickle":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "status":
            message = fault.description or REASONS.get(fault.status, "simulated")
            raise ModelError(fault.status, message, retry_after=fault.retry_after)
        if fault.kind == "reset":
            return wire.reset(request)
        if fault.kind == "page":
            return wire.proxy_page(fault.page_status)
        if fault.kind == "hang":
            return await wire.hang()
        return None

    async def _look_up(self, request: web.BaseRequest) -> web.StreamResponse:
        """The addresses that no model answers; they are not in the ledger."""
        provider = sidedoor.asked_of(request.headers)
        dialect, known = SPEAKERS[provider], self._models.known[provider]
        try:
            self._check_key(request, dialect, None)
            if request.path == sidedoor.MODELS:
                return wire.json_response(sidedoor.list_models(provider, known))
            if request.path.startswith(sidedoor.MODELS + "/"):
                return wire.json_response(sidedoor.one_model(request.path, provider, known))
            if request.path == sidedoor.COUNT_TOKENS:
                return wire.json_response(sidedoor.count_tokens(_object(await request.read())))
            raise ModelError(404, "Not found")
        except ModelError as error:
            return self._refuse(dialect, error)

    def _check_key(self, request: web.BaseRequest, dialect: Dialect, call: ModelCall | None) -> None:
        key = dialect.key(request.headers)
        if call is not None:
            call.key = sys.intern(key)
        if not key:
            raise ModelError(401, dialect.no_key)
        if self._models.keys and key not in self._models.keys:
            raise ModelError(401, dialect.bad_key)

    def _refuse(self, dialect: Dialect, error: ModelError) -> web.Response:
        headers = self._headers(dialect)
        if error.retry_after is not None:
            headers["retry-after"] = f"{error.retry_after:g}"
        return wire.json_response(dialect.error(error), error.status, headers)

    def _headers(self, dialect: Dialect) -> dict[str, str]:
        name = "request-id" if dialect.provider == "anthropic" else "x-request-id"
        headers = self._models.quotas[dialect.provider].headers(dialect.provider)
        return {**headers, name: f"req_{time.time_ns():x}"}


def _object(raw: bytes) -> Body:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ModelError(400, "The request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise ModelError(400, "The request body must be a JSON object")
    return body


def _note(call: ModelCall, prompt: Prompt) -> None:
    call.model = sys.intern(prompt.model)
    call.question = prompt.question
    call.messages = len(prompt.turns)
    call.system_length = len(prompt.system)
    call.tools = len(prompt.tools)
    call.images = prompt.images
    call.stream = prompt.stream
