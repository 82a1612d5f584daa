"""A bot's side of the conversation, small and blocking: calls to the Bot API, a webhook that remembers."""

import http.client
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

CALL_SECONDS = 30.0


class BotClient:
    """Calls one bot's methods: `status, answer = client.call("sendMessage", chat_id=1, text="hi")`."""

    def __init__(self, url: str, token: str, timeout: float = CALL_SECONDS) -> None:
        self._address = urlsplit(url).netloc
        self._token = token
        self._timeout = timeout

    def call(self, method: str, **params: Any) -> tuple[int, dict[str, Any]]:
        """The status and the answer; http.client's and json's errors when there is no proper one."""
        status, body = self.send(f"/bot{self._token}/{method}", json.dumps(params).encode())
        answer = json.loads(body)
        assert isinstance(answer, dict)
        return status, answer

    def send(
        self, path: str, body: bytes | None, content_type: str = "application/json"
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._address, timeout=self._timeout)
        try:
            headers = {"Content-Type": content_type} if body is not None else {}
            connection.request("POST" if body is not None else "GET", path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class Received:
    """One delivery to the webhook."""

    secret: str | None
    body: bytes

    @property
    def update(self) -> dict[str, Any]:
        update = json.loads(self.body)
        assert isinstance(update, dict)
        return update


@dataclass(frozen=True, slots=True)
class Response:
    """What the webhook answers."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


type Answerer = Callable[[Received], Response]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # with the default of 5, a burst of connections waits a second


class Hook:
    """A webhook. `answer` is called in a thread of its own for every connection."""

    def __init__(self, answer: Answerer | None = None) -> None:
        self.received: list[Received] = []
        self.answer = answer or (lambda received: Response())
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                hook.handle(self)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._arrived = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", "0")))
        received = Received(request.headers.get("X-Telegram-Bot-Api-Secret-Token"), body)
        with self._arrived:
            self.received.append(received)
            self._arrived.notify_all()
        response = self.answer(received)
        request.send_response(response.status)
        for name, value in {**response.headers, "Content-Length": str(len(response.body))}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(response.body)

    def wait(self, count: int, timeout: float = 10.0) -> bool:
        """Wait until so many deliveries have come."""
        with self._arrived:
            return self._arrived.wait_for(lambda: len(self.received) >= count, timeout)

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
