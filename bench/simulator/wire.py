"""What no polite server does to a connection: reset it, leave it hanging, answer as a broken proxy."""

import asyncio
import socket
import struct

import orjson
from aiohttp import web

JSON_HEADERS = {"Content-Type": "application/json"}
PROXY_PAGE = (
    "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n"
    "<center><h1>{status} {reason}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
REASONS = {
    200: "OK",
    403: "Forbidden",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Time-out",
}


def json_response(value: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, headers={**JSON_HEADERS, **(headers or {})})


def proxy_page(status: int) -> web.Response:
    """What a proxy in front of a dead server says, or one that wants its user to sign in."""
    page = PROXY_PAGE.format(status=status, reason=REASONS.get(status, "Error"))
    return web.Response(text=page, status=status, content_type="text/html")


def garble(response: web.Response) -> web.Response:
    """The same answer, broken off in the middle of its JSON, with a length that fits."""
    body = response.body if isinstance(response.body, bytes) else b"{"
    return web.Response(body=body[: max(1, len(body) // 2)], status=response.status, headers=JSON_HEADERS)


def reset(request: web.BaseRequest) -> web.Response:
    """Cut the connection with a TCP reset. The response returned can no longer reach anyone."""
    transport = request.transport
    if transport is not None:
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


async def break_off(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    """Half of it, of a length that says the whole; then a reset."""
    response = web.StreamResponse(headers={"Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    return reset(request)


async def drip(request: web.BaseRequest, seconds: float) -> web.StreamResponse:
    """White space, as servers send it that are not to be given up yet. Ends as `hang` does."""
    response = web.StreamResponse(headers=JSON_HEADERS)
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(seconds)


async def hang() -> web.Response:
    """Never answer. The server cancels this when the caller gives up, or when it stops."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")
