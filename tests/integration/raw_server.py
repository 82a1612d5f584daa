"""A server that does to its connections exactly what a test says, and keeps what it was sent."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Self

SENT = b'{"ok":true,"result":{"message_id":77}}'


def answer(body: bytes = SENT, status: str = "200 OK", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@dataclass
class Caller:
    """One accepted connection."""

    sock: socket.socket
    server: "RawServer"

    def read_request(self) -> bytes:
        """One whole request, with its body."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._piece()
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        pieces, missing = [body], length - len(body)
        while missing > 0:
            pieces.append(self._piece())
            missing -= len(pieces[-1])
        body = b"".join(pieces)
        self.server.requests.append(head + b"\r\n\r\n" + body)
        return body

    def _piece(self) -> bytes:
        piece = self.sock.recv(65536)
        if not piece:
            raise ConnectionError("the caller is gone")
        return piece

    def send(self, data: bytes) -> Self:
        self.sock.sendall(data)
        return self

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


type Script = Callable[[Caller], None]


@dataclass
class RawServer:
    """Each connection is served by the next script; the last one serves all that follow."""

    scripts: list[Script]
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._callers: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _start(self, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):  # it was stopped
            while True:
                sock, _ = self._listener.accept()
                self._callers.append(sock)
                script = self.scripts[min(self.connections, len(self.scripts) - 1)]
                self.connections += 1
                self._start(partial(self._serve, script, sock))

    def _serve(self, script: Script, sock: socket.socket) -> None:
        with sock, suppress(OSError):
            script(Caller(sock, self))

    def stop(self) -> None:
        """Wakes whoever waits for a connection or for bytes, and waits for them to end."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(5)
        for sock in self._callers:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)


@contextmanager
def serving(*scripts: Script) -> Iterator[RawServer]:
    server = RawServer([*scripts])
    try:
        yield server
    finally:
        server.stop()


def polite(caller: Caller) -> None:
    """Answers every request, and keeps the connection."""
    while True:
        caller.read_request()
        caller.send(answer())


def saying(data: bytes) -> Script:
    """Says this to the first request, then hangs up."""

    def script(caller: Caller) -> None:
        caller.read_request()
        caller.send(data)

    return script
