"""The reading end of one answer, which is neither waited for nor read for ever."""

import io
import socket
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, IncompleteRead

from khronos.http.dial import left

type Sink = Callable[[bytes], object]

SIP_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


class Inlet(io.RawIOBase):
    """The reading end of one answer; every read waits no longer than what is left for the whole call."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self, SIP_BYTES)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._sock.settimeout(left(self._deadline))
        return self._sock.recv_into(buffer)


class TooLarge(HTTPException):
    """More than the caller wants to hold."""


def whole_body(response: HTTPResponse, most: int) -> bytes:
    if response.length is not None:
        if response.length > most:
            raise TooLarge
        return response.read()
    body = bytearray()
    while piece := response.read(min(SIP_BYTES, most + 1)):
        body += piece
        if len(body) > most:
            raise TooLarge
    return bytes(body)


def short_body(response: HTTPResponse, most: int) -> tuple[bytes, bool]:
    """For whom the status has told all: a body that is short and whole; of any other, that it is not read."""
    if response.length is None or response.length > most:
        return b"", False
    try:
        return response.read(), True
    except (OSError, HTTPException):
        return b"", False


def poured(response: HTTPResponse, most: int, sink: Sink) -> bytes:
    """The body goes into the sink as it comes, and nobody holds all of it."""
    if response.length is not None and response.length > most:
        raise TooLarge
    count = 0
    while piece := response.read(SIP_BYTES):
        count += len(piece)
        if count > most:
            raise TooLarge
        sink(piece)
    if response.length:  # http.client takes an early end for the end
        raise IncompleteRead(b"", response.length)
    return b""
