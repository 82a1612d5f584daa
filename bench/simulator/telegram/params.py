"""The parameters of a call, whichever way they came: query, form, multipart or JSON."""

import orjson
from aiohttp import web
from aiohttp.web_request import FileField

from bench.simulator.telegram.errors import bad_request

type Params = dict[str, object]


async def read_params(request: web.BaseRequest) -> Params:
    params: Params = dict(request.query) if request.query_string else {}
    if request.method != "POST" or not request.body_exists:
        return params
    if request.content_type == "application/json":
        params.update(_from_json(await request.read()))
    else:
        params.update(await request.post())
    return params


def _from_json(body: bytes) -> Params:
    try:
        value = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        raise bad_request("Bad Request: can't parse JSON object") from None
    if not isinstance(value, dict):
        raise bad_request("Bad Request: can't parse JSON object")
    return value


def text_of(params: Params, name: str) -> str:
    value = params.get(name)
    return value if isinstance(value, str) else ""


def int_of(params: Params, name: str, default: int = 0) -> int:
    value = params.get(name, default)
    if isinstance(value, int | str):
        try:
            return int(value)
        except ValueError:
            return default
    return default


def bool_of(params: Params, name: str) -> bool:
    value = params.get(name)
    return value is True or (isinstance(value, str) and value.lower() in {"true", "yes", "1"})


def json_of(params: Params, name: str) -> object:
    """A nested value: in a form it comes as JSON text."""
    value = params.get(name)
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value) if value else None
    except orjson.JSONDecodeError:
        raise bad_request(f"Bad Request: can't parse {name} JSON object") from None


def upload_of(params: Params, name: str) -> tuple[str, bytes] | None:
    """An uploaded file's name and content."""
    value = params.get(name)
    if isinstance(value, FileField):
        return value.filename, value.file.read()
    return None
