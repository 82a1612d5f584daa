"""The HTTP face of the Bot API: token, faults, limits, then the method; every call goes into the ledger."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from bench.simulator import wire
from bench.simulator.faults import Fault, Faults
from bench.simulator.telegram import errors
from bench.simulator.telegram.bot import TOKEN, Bot
from bench.simulator.telegram.errors import ApiError, too_many
from bench.simulator.telegram.ledger import Call
from bench.simulator.telegram.methods import CANONICAL
from bench.simulator.telegram.params import Params, int_of, read_params, text_of

OK = b'{"ok":true,"result":'
DESCRIBED = {
    "setWebhook": b',"description":"Webhook was set"}',
    "deleteWebhook": b',"description":"Webhook was deleted"}',
}

FILE = "file"  # how the ledger and faults call a download

type Perform = Callable[[Bot, str, Params, Call], Awaitable[object]]


class Gate:
    """Takes `/bot<token>/<method>` and `/file/bot<token>/<path>`."""

    def __init__(
        self, bots: dict[str, Bot], faults: Faults, perform: Perform, record: Callable[[Call], None]
    ) -> None:
        self._bots = bots
        self._faults = faults
        self._perform = perform
        self._record = record

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            bot, name = self._read_path(request.path[len("/bot") :])
            params = await read_params(request)
        except ApiError as error:
            return wire.json_response(error.body(), error.code)
        method = CANONICAL.get(name.lower(), name)
        call = call_of(bot, method, params)
        fault = self._faults.pick(method=method, chat_id=call.chat_id, token=bot.token)
        try:
            if fault is not None:
                return await self._answer_faulty(request, bot, params, call, fault)
            return await self._answer(bot, params, call)
        finally:
            self._record(call)

    def _read_path(self, path: str) -> tuple[Bot, str]:
        token, _, name = path.partition("/")
        if not TOKEN.fullmatch(token) or not name:
            raise ApiError(404, "Not Found")
        bot = self._bots.get(token)
        if bot is None:
            raise ApiError(401, errors.UNAUTHORIZED)
        return bot, name

    async def _answer(self, bot: Bot, params: Params, call: Call) -> web.Response:
        try:
            result = await self._perform(bot, call.method, params, call)
        except ApiError as error:
            call.outcome = f"{error.code} {error.description}"
            return wire.json_response(error.body(), error.code)
        call.done = True
        end = DESCRIBED.get(call.method, b"}")
        return web.Response(body=OK + orjson.dumps(result) + end, headers=wire.JSON_HEADERS)

    async def _answer_faulty(
        self, request: web.BaseRequest, bot: Bot, params: Params, call: Call, fault: Fault
    ) -> web.StreamResponse:
        call.outcome = fault.outcome
        if fault.seconds:
            await asyncio.sleep(fault.seconds)
        if fault.kind == "status":
            return _refusal(fault)
        if fault.kind == "reset":
            return wire.reset(request)
        if fault.kind == "page":
            return wire.proxy_page(fault.page_status)
        if fault.kind == "hang":
            return await wire.hang()
        response = await self._answer(bot, params, call)
        if fault.kind == "delay":
            return response
        if fault.kind == "garbled":
            return wire.garble(response)
        return wire.reset(request) if fault.kind == "lost" else await wire.hang()

    async def download(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            bot, path = self._read_path(request.path[len("/file/bot") :])
        except ApiError as error:
            return wire.json_response(error.body(), error.code)
        call = call_of(bot, FILE, {"text": path})
        try:
            return await self._give(request, bot, path, call)
        finally:
            self._record(call)

    async def _give(self, request: web.BaseRequest, bot: Bot, path: str, call: Call) -> web.StreamResponse:
        fault = self._faults.pick(method=FILE, token=bot.token)
        if fault is not None:
            call.outcome = fault.outcome
        if fault is not None and fault.seconds:
            await asyncio.sleep(fault.seconds)
        found = next((stored for stored in bot.files.values() if stored.path == path), None)
        if found is None or found.content is None:
            call.outcome = "404 Not Found: file not found"
            return wire.json_response(ApiError(404, "Not Found: file not found").body(), 404)
        if fault is not None and fault.kind != "delay":
            return await self._spoil(request, found.content, fault)
        call.done = True
        return web.Response(body=found.content, content_type="application/octet-stream")

    async def _spoil(self, request: web.BaseRequest, body: bytes, fault: Fault) -> web.StreamResponse:
        if fault.kind == "status":
            return _refusal(fault)
        if fault.kind == "page":
            return wire.proxy_page(fault.page_status)
        if fault.kind == "hang":
            return await wire.hang()
        if fault.kind == "cut":
            return await wire.break_off(request, body)
        return wire.reset(request)


def call_of(bot: Bot, method: str, params: Params) -> Call:
    chat_id = int_of(params, "chat_id") or None
    return Call(
        at=time.time(),
        token=bot.token,
        method=method,
        chat_id=chat_id,
        text=text_of(params, "text") or text_of(params, "caption"),
        message_id=int_of(params, "message_id") or None,
    )


def _refusal(fault: Fault) -> web.Response:
    """An ordered status: Telegram's own form below 500, a proxy's page above."""
    if fault.status >= 500:
        return wire.proxy_page(fault.status)
    if fault.status == 429:
        seconds = max(1, round(fault.retry_after if fault.retry_after is not None else 1))
        error = too_many(seconds)
        return wire.json_response(error.body(), 429, {"Retry-After": str(seconds)})
    error = ApiError(fault.status, fault.description or "Bad Request: simulated")
    return wire.json_response(error.body(), fault.status)
