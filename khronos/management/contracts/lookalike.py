"""A service on loopback that answers as it is told, well or badly, and keeps what it was sent."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple, Self


class Manner(NamedTuple):
    status: int  # 0: the line is cut
    body: bytes = b"{}"
    headers: Mapping[str, str] = {}


WAIT_S = 7
OUTAGE = Manner(500)
CUT = Manner(0)
TOO_OFTEN = Manner(429, headers={"Retry-After": str(WAIT_S)})
WRONG_KEY = Manner(401)
OUR_FAULT = Manner(400)
GARBAGE = Manner(200, b"<html>sign in to this network</html>")
NOTHING = Manner(200)


class LookAlike:
    def __init__(self) -> None:
        self.manner = NOTHING
        self.places: dict[str, Manner] = {}  # that have manners of their own
        self.heard: list[tuple[str, str, bytes]] = []  # method, path, body
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Nobody is there any more. Twice does no harm."""
        self._server.shutdown()
        self._server.server_close()

    @contextmanager
    def behaving(self, manner: Manner) -> Iterator[None]:
        self.manner = manner
        self.heard.clear()
        yield

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                service.heard.append((self.command, self.path, body))
                place, _, _query = self.path.partition("?")
                status, said, headers = service.places.get(place, service.manner)
                self.close_connection = True
                if not status:
                    return
                self.send_response(status)
                for name, value in {"Content-Length": str(len(said)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST = do_PUT = do_PATCH = answer

            def log_message(self, *_: Any) -> None:
                return None

        return Handler
