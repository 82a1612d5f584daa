"""One port for every fake: the path says which one is meant."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

type Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

MAX_BODY_BYTES = 64 * 1024 * 1024  # Telegram takes files of 50 MB


class Server:
    """aiohttp's bare server. No router, middleware or access log: the fakes must not be the bottleneck."""

    def __init__(self, routes: dict[str, Handler]) -> None:
        self._routes = routes
        server = web.Server(
            self._handle, request_factory=_request, handler_cancellation=True, access_log=None
        )
        self._server = server
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        self._site: web.TCPSite | None = None
        self.port = 0

    async def start(self, port: int = 0) -> None:
        await self._runner.setup()
        self.port = port
        await self.listen()

    async def listen(self) -> None:
        """Take connections, on the same port as before."""
        if self._site is None:
            self._site = web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=1024)
            await self._site.start()
            self.port = int(self._runner.addresses[0][1])

    async def refuse(self) -> None:
        """Cut every connection and take no new ones: the machine is there, the server is not."""
        if self._site is not None:
            site, self._site = self._site, None
            await site.stop()
            for connection in self._server.connections:
                connection.force_close()

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        for prefix, handler in self._routes.items():
            if path.startswith(prefix):
                return await handler(request)
        return web.Response(status=404, text="Not Found")


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY_BYTES)
