"""The reading end of one answer, which is neither waited for nor read for ever."""

import io
import socket
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse

from khronos.http.dial import left


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
        return io.BufferedReader(self, 65536)

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
    while piece := response.read(min(65536, most + 1)):
        body += piece
        if len(body) > most:
            raise TooLarge
    return bytes(body)
