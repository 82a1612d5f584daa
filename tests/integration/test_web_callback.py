"""Answers by callback, to a real server on loopback that misbehaves in every way."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pytest_django import Settings

from khronos.channels import callback
from khronos.channels.callback import CallbackTransport
from khronos.channels.signature import is_signed
from khronos.exceptions import (
    Ambiguous,
    Blocked,
    Failure,
    Permanent,
    Throttled,
    Transient,
    Unauthorized,
    Vanished,
)
from khronos.http import close_all
from tests.stopwatch import Stopwatch

type Answer = Callable[["Handler"], None]


@dataclass
class Site:
    """A site that gets our answers, and what it got."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answer: Answer | None = None

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.site.got.append((dict(self.headers), body))
        if self.site.answer:
            self.site.answer(self)
        else:
            self.reply(204)

    do_GET = do_POST

    def reply(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    settings.WEB_CALLBACK_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    made = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Of", (Handler,), {"site": made}))
    made.url = f"http://127.0.0.1:{server.server_port}/hook?a=1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    close_all()
    server.shutdown()
    server.server_close()
    thread.join()


def status(number: int, **headers: str) -> Answer:
    return lambda handler: handler.reply(number, **headers)


def test_answer_is_signed_json_with_an_idempotency_key(site: Site) -> None:
    message_id = CallbackTransport(site.url, "hush").send("order-7", "Olá **Ana**", key="d-1")
    [(headers, body)] = site.got
    assert message_id == "d-1"
    assert json.loads(body) == {
        "id": "d-1", "type": "message", "chat": "order-7", "text": "Olá **Ana**", "format": "markdown"
    }  # fmt: skip
    assert headers["Idempotency-Key"] == "d-1"
    stamp, signature = headers["X-Khronos-Timestamp"], headers["X-Khronos-Signature"]
    assert is_signed(["hush"], stamp, signature, body, now=time.time())


def test_edit_and_typing_are_told_as_such(site: Site) -> None:
    transport = CallbackTransport(site.url, "hush")
    transport.edit("c", "m-1", "new", plain=True)
    transport.typing("c")
    transport.answer_button("b")
    edit, typing = site.bodies
    assert (edit["type"], edit["message_id"], edit["text"], edit["format"]) == ("edit", "m-1", "new", "plain")
    assert (typing["type"], typing["chat"]) == ("typing", "c")


def test_key_that_is_there_already_is_proof_of_delivery(site: Site) -> None:
    site.answer = status(409)
    assert CallbackTransport(site.url, "hush").send("c", "t", key="d-1") == "d-1"


@pytest.mark.parametrize(
    ("number", "failure"),
    [
        (301, Permanent), (307, Permanent), (400, Permanent), (404, Permanent), (413, Permanent),
        (401, Unauthorized), (403, Unauthorized), (410, Blocked),
        (408, Transient), (425, Transient), (429, Transient),
        (500, Ambiguous), (502, Ambiguous), (503, Ambiguous), (504, Ambiguous),
    ],
)  # fmt: skip
def test_status_becomes_a_failure_of_our_tree(site: Site, number: int, failure: type[Failure]) -> None:
    site.answer = status(number, Location=site.url)
    with pytest.raises(failure) as raised:
        CallbackTransport(site.url, "hush").send("c", "t")
    assert not isinstance(raised.value, Vanished)
    assert len(site.got) == 1  # no redirect was followed, nothing was repeated


def test_edit_of_what_is_gone_has_vanished(site: Site) -> None:
    site.answer = status(404)
    with pytest.raises(Vanished):
        CallbackTransport(site.url, "hush").edit("c", "m-1", "t")


@pytest.mark.parametrize(
    ("number", "asked", "waits_s"), [(429, "17", 17.0), (503, "17", 17.0), (429, "999999", 3600.0)]
)
def test_wait_that_is_asked_for_is_told(site: Site, number: int, asked: str, waits_s: float) -> None:
    site.answer = status(number, Retry_After=asked)
    with pytest.raises(Transient) as raised:
        CallbackTransport(site.url, "hush").send("c", "t")
    assert raised.value.retry_after == waits_s


def test_nobody_listening_is_transient(site: Site) -> None:
    with pytest.raises(Transient):
        CallbackTransport("http://127.0.0.1:1/", "hush").send("c", "t")


def test_silence_and_a_cut_connection_are_ambiguous(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback, "READ_TIMEOUT_S", 0.2)
    close_all()
    ended = threading.Event()

    def hang(handler: Handler) -> None:
        ended.wait(5)
        handler.close_connection = True

    site.answer = hang
    with pytest.raises(Ambiguous):
        CallbackTransport(site.url, "hush").send("c", "t")
    ended.set()

    def cut(handler: Handler) -> None:
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True

    site.answer = cut
    with pytest.raises(Ambiguous):
        CallbackTransport(site.url, "hush").send("c", "t")


def test_status_tells_all_though_the_body_is_long_or_does_not_come(site: Site) -> None:
    ended = threading.Event()

    def endless(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        ended.wait(5)
        handler.close_connection = True

    def long(handler: Handler) -> None:
        handler.send_response(429)
        handler.send_header("Retry-After", "7")
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        ended.wait(5)
        handler.close_connection = True

    with Stopwatch() as watch:
        site.answer = endless
        assert CallbackTransport(site.url, "hush").send("c", "t", key="k") == "k"
        site.answer = long
        with pytest.raises(Throttled) as refused:
            CallbackTransport(site.url, "hush").send("c", "t")
    ended.set()
    assert refused.value.retry_after == 7
    assert watch.took_s < 4


def test_private_address_is_refused_before_a_connection(site: Site, settings: Settings) -> None:
    settings.WEB_CALLBACK_PRIVATE_NETWORKS = []
    for url in (site.url, site.url.replace("127.0.0.1", "localhost")):
        with pytest.raises(Permanent, match="private"):
            CallbackTransport(url, "hush").send("c", "t")
    assert site.got == []


def test_without_a_secret_nothing_is_sent(site: Site) -> None:
    with pytest.raises(Unauthorized):
        CallbackTransport(site.url, "").send("c", "t")
    assert site.got == []


def test_connection_is_used_again(site: Site) -> None:
    ports = set()

    def note(handler: Handler) -> None:
        ports.add(handler.client_address[1])
        handler.reply(200)

    site.answer = note
    for _ in range(3):
        CallbackTransport(site.url, "hush").send("c", "t")
    assert len(ports) == 1
