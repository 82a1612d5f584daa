"""Carries updates to a webhook: a small HTTP/1.1 client, a third of the cost of a general one."""

import asyncio
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

READ_LIMIT_BYTES = 1024 * 1024

type Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the webhook answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class Courier:
    """Keeps connections open and uses them again.

    It fails with OSError, EOFError, ValueError or asyncio.LimitOverrunError.
    """

    def __init__(self, url: str, headers: dict[str, str], timeout: float) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "127.0.0.1"
        self._ssl = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._ssl else 80)
        self._timeout = timeout
        self._idle: list[Connection] = []
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [f"POST {target} HTTP/1.1", f"Host: {parts.netloc}", "Connection: keep-alive"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._head = ("\r\n".join(lines) + "\r\nContent-Length: ").encode()

    async def post(self, body: bytes) -> Reply:
        async with asyncio.timeout(self._timeout):
            connection = await self._connect()
            try:
                reply = await self._exchange(connection, body)
            except BaseException:
                connection[1].close()
                raise
        if reply.headers.get("connection", "").lower() == "close":
            connection[1].close()
        else:
            self._idle.append(connection)
        return reply

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()

    async def _connect(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection[0].at_eof() and not connection[1].is_closing():
                return connection
            connection[1].close()
        return await asyncio.open_connection(self._host, self._port, ssl=self._ssl, limit=READ_LIMIT_BYTES)

    async def _exchange(self, connection: Connection, body: bytes) -> Reply:
        reader, writer = connection
        writer.write(self._head + b"%d\r\n\r\n" % len(body) + body)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status_line, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(status_line.split(" ", 2)[1])
        return Reply(status, headers, await _body(reader, status, headers))


async def _body(reader: asyncio.StreamReader, status: int, headers: dict[str, str]) -> bytes:
    if status in {204, 304}:
        return b""
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _chunks(reader)
    headers["connection"] = "close"  # without a length, only the end of the connection ends the body
    return await reader.read()


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    chunks = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        chunks.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return b"".join(chunks)
