"""What Litestream says when it is told to bring all away: others write while it waits."""

import json
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from pytest_django import Settings

from khronos.backup import configured, program
from khronos.backup.engine import Unreachable


class Said(BaseHTTPRequestHandler):
    answers: list[tuple[int, int]]  # the newest change, and the newest that has arrived

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        newest, arrived = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"txid": newest, "replicated_txid": arrived}).encode())

    def address_string(self) -> str:
        return "nobody"  # a Unix socket has none

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def answers(settings: Settings) -> Iterator[list[tuple[int, int]]]:
    """Of the one that listens."""
    said: list[tuple[int, int]] = []
    with tempfile.TemporaryDirectory(prefix="kh-") as folder:  # pytest's own may be too long for a socket
        settings.KHRONOS_HOME = Path(folder)
        configured.socket().parent.mkdir()
        handler = type("Of", (Said,), {"answers": said})
        with socketserver.UnixStreamServer(str(configured.socket()), handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            yield said
            server.shutdown()
            thread.join()


def test_what_is_written_meanwhile_is_not_missed(answers: list[tuple[int, int]]) -> None:
    answers += [(8, 7), (9, 8), (10, 0)]
    program.sync("/a/database", 60.0)
    assert answers == [(10, 0)]  # asked twice: 8 is what was there


def test_what_never_arrives_is_told(answers: list[tuple[int, int]]) -> None:
    answers += [(8, 7)]
    with pytest.raises(Unreachable, match="Copies do not arrive"):
        program.sync("/a/database", 0.3)


def test_what_has_arrived_is_asked_for_once(answers: list[tuple[int, int]]) -> None:
    answers += [(8, 8), (9, 0)]
    program.sync("/a/database", 0.3)
    assert answers == [(9, 0)]
