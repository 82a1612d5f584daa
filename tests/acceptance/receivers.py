"""Who is told of errors and traces: Sentry's and OpenTelemetry's addresses, played on loopback."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACES = "/v1/traces"


class Receiver(ThreadingHTTPServer):
    """Keeps every body, or with `hangs` takes requests and never answers."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.bodies: list[tuple[str, bytes]] = []
        self.hangs = False
        self.asked = 0
        self.let_go = threading.Event()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def events(self) -> list[dict[str, Any]]:
        """What Sentry got: an envelope is lines of JSON, a header before each item."""
        found = []
        for path, body in list(self.bodies):
            if path != TRACES:
                lines = body.splitlines()
                kinds = [json.loads(line).get("type") for line in lines[1::2]]
                found += [
                    json.loads(item) for kind, item in zip(kinds, lines[2::2], strict=True) if kind == "event"
                ]
        return found

    def spans(self) -> list[dict[str, Any]]:
        found = []
        for path, body in list(self.bodies):
            if path != TRACES:
                continue
            for each in ExportTraceServiceRequest.FromString(body).resource_spans:
                about = {pair.key: pair.value.string_value for pair in each.resource.attributes}
                for span in [span for scope in each.scope_spans for span in scope.spans]:
                    found.append(
                        {
                            "service": about["service.name"],
                            "name": span.name,
                            "trace": span.trace_id.hex(),
                            "id": span.span_id.hex(),
                            "parent": span.parent_span_id.hex(),
                            "links": [link.trace_id.hex() for link in span.links],
                            "took_ns": span.end_time_unix_nano - span.start_time_unix_nano,
                        }
                    )
        return found


class Taker(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked += 1
        if self.server.hangs:
            self.server.let_go.wait()
            return
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.bodies.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silent."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    with Receiver() as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        yield receiver
        receiver.let_go.set()
        receiver.shutdown()
