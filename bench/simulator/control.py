"""The simulator by HTTP: `POST /_sim/<part>/<method>` with the arguments of the Python method as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from bench.simulator import conversations, wire
from bench.simulator.telegram.chat import Message

if TYPE_CHECKING:
    from bench.simulator.simulator import Simulator

PREFIX = "/_sim/"
FILES = "photo document voice audio video_note video sticker lose_files"
PEOPLE = f"say {FILES} location contact edit press block unblock migrate push"
READS = "view answers chats calls updates"
TELEGRAM = f"{PEOPLE} {READS} add_bot open_chat fail heal deliver limit set_webhook reset"
MODELS = "think hold let_go reply use_tool require_keys limit fail heal calls reset"
BYTES = ("image", "data", "sound", "film")  # in JSON these come as text

type Arguments = dict[str, Any]


class Control:
    """Everything here runs in the simulator's loop."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._actions: dict[str, Callable[..., object]] = {
            "health": lambda: {"status": "UP"},
            "play": self._play,
            "reset": simulator.reset,
            "heal": simulator.heal,
            "stats": simulator.stats,
            "verdict": lambda: simulator.verdict().summary(),
        }
        for name in TELEGRAM.split():
            self._actions[f"telegram/{name}"] = getattr(simulator.telegram, name)
        for name in MODELS.split():
            self._actions[f"models/{name}"] = getattr(simulator.models, name)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        name = request.path.removeprefix(PREFIX)
        body = await request.read()
        if name == "telegram/push_raw":
            chat_id = int(request.query.get("chat_id", "0"))
            return _response(self._simulator.telegram.push_raw(body, chat_id))
        action = self._actions.get(name)
        if action is None:
            return _response({"error": f"no such action; there are: {', '.join(sorted(self._actions))}"}, 404)
        try:
            return _response(action(**_arguments(request, body)))
        except (TypeError, ValueError, KeyError) as error:
            return _response({"error": f"{type(error).__name__}: {error}"}, 400)

    def _play(self, chats: int, messages: int, **options: Any) -> dict[str, int]:
        lines = conversations.write(chats, messages, **options)
        self._simulator.play(lines)
        return {"lines": len(lines)}


def _arguments(request: web.BaseRequest, body: bytes) -> Arguments:
    """From the query (each value as JSON where it is JSON) and the body."""
    arguments: Arguments = {name: _value(value) for name, value in request.query.items()}
    if body:
        given = orjson.loads(body)
        if not isinstance(given, dict):
            raise ValueError("the body must be a JSON object")
        arguments |= given
    return {name: _bytes(name, value) for name, value in arguments.items()}


def _value(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _bytes(name: str, value: object) -> object:
    return value.encode() if name in BYTES and isinstance(value, str) else value


def _response(value: object, status: int = 200) -> web.Response:
    option = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_NON_STR_KEYS
    body = orjson.dumps(value, default=_plain, option=option)
    return web.Response(body=body, status=status, headers=wire.JSON_HEADERS)


def _plain(value: object) -> object:
    if isinstance(value, Message):
        return {**_fields(value), "text": value.text, "at": value.at}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"cannot say {type(value).__name__} in JSON")


def _fields(value: Any) -> dict[str, object]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
