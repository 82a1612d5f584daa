"""`python -m bench.load`: a cheap client that keeps connections open and one request on each of them.

One thread, sockets and `select` alone: what it costs must not hide what it measures.
"""

import argparse
import json
import os
import selectors
import socket
import time
from collections import Counter
from dataclasses import dataclass, field

from bench.site import SECRET

CHATS = 500
GRACE_S = 5.0  # for the answers that are under way at the end

BODY = (
    '{"update_id":%d,"message":{"message_id":%d,"from":{"id":%d,"is_bot":false,"first_name":"Ana",'
    '"last_name":"Silva","username":"ana","language_code":"pt-br"},"chat":{"id":%d,"first_name":"Ana",'
    '"last_name":"Silva","username":"ana","type":"private"},"date":1790000000,'
    '"text":"Meu pedido ainda não chegou, pode verificar?"}}'
)
HEAD = (
    "POST /webhooks/telegram/default/ HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
    "X-Telegram-Bot-Api-Secret-Token: %s\r\nContent-Length: %d\r\n\r\n"
)


@dataclass(slots=True)
class Line:
    """A connection with its request under way."""

    sock: socket.socket
    since: float = 0.0
    received: bytes = b""


@dataclass(slots=True)
class Load:
    port: int
    first: int  # update id; each is used once
    seconds: float
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    def run(self, connections: int) -> float:
        """Answers how long it took."""
        selector = selectors.DefaultSelector()
        started = time.perf_counter()
        for _ in range(connections):
            sock = socket.create_connection(("127.0.0.1", self.port), timeout=GRACE_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line = Line(sock)
            selector.register(sock, selectors.EVENT_READ, line)
            self.ask(line)
        under_way, end = connections, started + self.seconds
        while under_way:
            ready = selector.select(GRACE_S)
            if not ready:
                raise TimeoutError("the server answers no more")
            for key, _ in ready:
                if self.heard(key.data):
                    if time.perf_counter() < end:
                        self.ask(key.data)
                    else:
                        under_way -= 1
        return time.perf_counter() - started

    def ask(self, line: Line) -> None:
        self.first += 1
        chat = 100_000 + self.first % CHATS
        body = (BODY % (self.first, self.first, chat, chat)).encode()
        line.since = time.perf_counter()
        line.sock.sendall((HEAD % (self.port, SECRET, len(body))).encode() + body)

    def heard(self, line: Line) -> bool:
        """Is the answer whole? All of them are short."""
        piece = line.sock.recv(65536)
        if not piece:
            raise ConnectionError("the server closed a connection")
        line.received += piece
        head, found, body = line.received.partition(b"\r\n\r\n")
        if not found or not is_whole(head.lower(), body):
            return False
        self.latencies.append(time.perf_counter() - line.since)
        self.statuses[head[9:12].decode()] += 1
        line.received = b""
        return True


def is_whole(head: bytes, body: bytes) -> bool:
    if b"transfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    _, found, rest = head.partition(b"content-length:")
    return not found or len(body) >= int(rest.split(b"\r\n", 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    load = Load(options.port, options.first, options.seconds)
    took = load.run(options.connections)
    times, own = sorted(load.latencies), os.times()
    print(
        json.dumps(
            {
                "requests": len(times),
                "seconds": took,
                "statuses": load.statuses,
                "p50_ms": times[len(times) // 2] * 1000,
                "p99_ms": times[len(times) * 99 // 100] * 1000,
                "client_cpu_s": own.user + own.system,
            }
        )
    )


if __name__ == "__main__":
    main()
