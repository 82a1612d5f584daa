"""The process that holds the local model, one for all others: texts come by HTTP, vectors go back as bytes.

Without Django. The model is loaded by the first who asks, so that whoever has no documents pays 20 MB.
"""

import argparse
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import batched
from typing import Any

import orjson

from khronos.knowledge.embedding import model
from khronos.resilience.farewell import Farewell, Step

BODY_MAX_BYTES = 4 * 1024 * 1024
IDLE_S = 60.0  # a kept connection
AT_A_TIME = 4  # texts, 30 ms: a question that comes meanwhile waits for no more. Fewer would cost more each


class Gate:
    """One at a time, since they share a core; somebody in haste goes before all who are not."""

    def __init__(self) -> None:
        self._changes = threading.Condition()
        self._is_taken = False
        self._in_haste = 0

    def waits_in_haste(self) -> bool:
        return self._in_haste > 0

    @contextmanager
    def passed(self, in_haste: bool) -> Iterator[None]:
        with self._changes:
            self._in_haste += in_haste
            while self._is_taken or (self.waits_in_haste() and not in_haste):
                self._changes.wait()
            self._in_haste -= in_haste
            self._is_taken = True
        try:
            yield
        finally:
            with self._changes:
                self._is_taken = False
                self._changes.notify_all()


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    disable_nagle_algorithm = True
    gate = Gate()

    def do_GET(self) -> None:
        self.answer(200 if self.path == "/health" else 404)

    def do_POST(self) -> None:
        size = self.headers.get("Content-Length", "")
        if self.path != "/embed" or not size.isdecimal() or int(size) > BODY_MAX_BYTES:
            self.close_connection = True
            self.answer(400)
            return
        texts = texts_in(self.rfile.read(int(size)))
        if not texts:
            self.answer(400)
            return
        self.answer(200, b"".join(self.embedded(texts)))

    def embedded(self, texts: list[str]) -> Iterator[bytes]:
        for some in batched(texts, AT_A_TIME):
            with self.gate.passed(model.HASTE in self.headers):
                vectors = model.embed(some)
            yield vectors.tobytes()

    def answer(self, status: int, body: bytes = b"") -> None:
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """What people ask is nobody's business."""


def texts_in(body: bytes) -> list[str]:
    try:
        texts = orjson.loads(body)
    except ValueError:
        return []
    is_list = isinstance(texts, list) and all(isinstance(text, str) for text in texts)
    return texts if is_list else []


class Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked did not wait for the answer: he knows, and it is no fault here."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    with Farewell() as farewell, Server((options.host, options.port), Answering) as server:
        farewell.on(Step.REQUESTS, lambda: closed(server))
        server.serve_forever()
    return 0


def closed(server: Server) -> str:
    server.shutdown()
    return "no new ones are taken"


if __name__ == "__main__":
    sys.exit(main())
