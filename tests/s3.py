"""An S3 of a test's own: moto in a process, behind a gate that can be away, frozen, or refuse a key."""

import asyncio
import http.client
import re
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from bench.patience import answers, free_ports, until

KEY, SECRET = "key-of-the-tests", "secret-of-the-tests"
BUCKET = "copies"
READY_S = 30.0
PIECE = 1 << 16  # bytes
SIGNED = f"AWS4-HMAC-SHA256 Credential={KEY}/20261101/us-east-1/s3/aws4_request"  # moto believes it
REFUSAL = (
    b"<?xml version='1.0'?><Error><Code>InvalidAccessKeyId</Code>"
    b"<Message>The access key does not exist in our records.</Message></Error>"
)
REFUSED = b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"


class S3:
    """`gate.leave()`, `.freeze()`, `.refuse()`, `.come_back()`; `wipe()`; `environment(key="wrong")`."""

    def __init__(self, port: int, gate: "Gate") -> None:
        self.port, self.gate = port, gate

    def environment(self, path: str = "khronos", *, key: str = KEY) -> dict[str, str]:
        """What an operator would set."""
        return {
            "LITESTREAM_REPLICA_URL": f"s3://{BUCKET}/{path}",
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.gate.port}",
            "AWS_REGION": "us-east-1",
        }

    def names(self, path: str = "") -> list[str]:
        """Of all objects; asked behind the gate."""
        found: list[str] = []
        while True:
            after = f"&start-after={quote(found[-1])}" if found else ""
            page = ElementTree.fromstring(self._ask("GET", f"?list-type=2&prefix={quote(path)}{after}"))
            page_names = [str(each.text) for each in page.iter() if each.tag.endswith("}Key")]
            if not page_names:
                return found
            found += page_names

    def read(self, key: str) -> bytes:
        return self._ask("GET", f"/{quote(key)}")

    def write(self, key: str, body: bytes) -> None:
        self._ask("PUT", f"/{quote(key)}", body)

    def delete(self, key: str) -> None:
        self._ask("DELETE", f"/{quote(key)}")

    def wipe(self, path: str = "") -> None:
        for key in self.names(path):
            self.delete(key)

    def _ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, f"/{BUCKET}{path}", body, {"Authorization": SIGNED})
            response = connection.getresponse()
            said = response.read()
            assert response.status < 300, said
            return said


class Gate:
    """Lets through whoever names our key. Moto itself takes any."""

    def __init__(self, to: int) -> None:
        self.to = to
        [self.port] = free_ports(1)
        self.is_frozen, self.key = False, KEY
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._visits: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def come_back(self) -> None:
        """As it was; whoever was kept waiting is sent away first."""
        self.leave()
        self.is_frozen, self.key = False, KEY
        self._do(self._listen())

    def leave(self) -> None:
        """Nobody listens any more, and all connections are cut."""
        self._do(self._close())

    def freeze(self) -> None:
        """Connections are taken, and nothing is ever answered."""
        self.come_back()
        self.is_frozen = True

    def refuse(self) -> None:
        """Our key is not the right one any more."""
        self.come_back()
        self.key = "another"

    def end(self) -> None:
        self.leave()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _do(self, deed: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(deed, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._visit, "127.0.0.1", self.port)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        visits = list(self._visits)
        for visit in visits:
            visit.cancel()
        await asyncio.gather(*visits, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
        self._server = None

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.current_task()
        assert visit is not None
        self._visits.add(visit)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._pass(reader, writer)
        finally:
            self._visits.discard(visit)
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_frozen:
            await asyncio.Event().wait()
        head = await reader.readuntil(b"\r\n\r\n")
        if not re.search(rb"(?i)^authorization:.*Credential=%s/" % self.key.encode(), head, re.M):
            writer.write(REFUSED % len(REFUSAL) + REFUSAL)
            await writer.drain()
            return
        inward, outward = await asyncio.open_connection("127.0.0.1", self.to)
        outward.write(head)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(pump(reader, outward))
                both.create_task(pump(inward, writer))
        finally:
            outward.transport.abort()


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await source.read(PIECE):
            sink.write(piece)
            await sink.drain()
        sink.write_eof()


@contextmanager
def started() -> Iterator[S3]:
    [port] = free_ports(1)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    gate = Gate(port)
    try:
        assert until(lambda: answers(port), READY_S), "moto did not start"
        found = S3(port, gate)
        found._ask("PUT", "")
        gate.come_back()
        yield found
    finally:
        gate.end()
        server.kill()
        server.wait(10)
