"""Documents by address: of listed hosts alone, and never from inside, however the way there is hidden."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pytest_django import Settings

from khronos.exceptions import Permanent
from khronos.knowledge import fetching
from khronos.models import Document
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db


class Site(BaseHTTPRequestHandler):
    asked: list[str]
    pages = {
        "/page": (200, "text/html; charset=utf-8", b"<h1>Returns</h1><p>Thirty days.</p>"),
        "/away": (302, "", b""),
        "/inside": (302, "", b""),
        "/picture": (200, "image/png", b"\x89PNG"),
        "/gone": (404, "text/html", b"no"),
        "/large": (200, "text/plain", b"a" * 3_000_000),
    }
    to = {"/away": "/page", "/inside": "http://localhost.example.test/page"}

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, kind, body = self.pages[self.path]
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.path in self.to:
            self.send_header("Location", self.to[self.path])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def site(settings: Settings) -> Iterator[str]:
    """On loopback, which is listed and admitted, for these tests alone."""
    Site.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.KNOWLEDGE_URLS = ["127.0.0.1"]
    settings.KNOWLEDGE_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    settings.KNOWLEDGE_FILE_MAX_BYTES = 1_000_000
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("path", ["/page", "/away"])
def test_a_listed_page_is_a_document(site: str, path: str) -> None:
    document = fetching.fetch(make_tenant(), site + path)
    assert (document.form, document.source) == (Document.Form.HTML, site + path)
    assert document.raw == Site.pages["/page"][2]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/inside", "is not on the list"),
        ("/picture", "what cannot be read: image/png"),
        ("/gone", "answers 404"),
        ("/large", "more than 1,000,000 bytes"),
    ],
)
def test_anything_else_is_refused_in_words(site: str, path: str, reason: str) -> None:
    with pytest.raises(Permanent, match=reason):
        fetching.fetch(make_tenant(), site + path)
    assert Site.asked == [path]
    assert not Document.objects.exists()


def test_an_address_with_a_password_is_not_taken(site: str) -> None:
    with pytest.raises(Permanent, match="password"):
        fetching.fetch(make_tenant(), f"{site}/page".replace("//", "//rita:secret@"))
    assert Site.asked == []
    assert not Document.objects.exists()


def test_a_host_that_is_not_listed_is_not_even_asked(site: str, settings: Settings) -> None:
    settings.KNOWLEDGE_URLS = ["*.example.com"]
    with pytest.raises(Permanent, match="not on the list"):
        fetching.fetch(make_tenant(), f"{site}/page")
    assert Site.asked == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "0.0.0.0", "2130706433"]
)
def test_a_private_address_is_refused_though_it_is_listed(site: str, settings: Settings, host: str) -> None:
    settings.KNOWLEDGE_URLS, settings.KNOWLEDGE_PRIVATE_NETWORKS = ["*"], []
    with pytest.raises(Permanent, match="private"):
        fetching.fetch(make_tenant(), f"http://{host}:{site.rpartition(':')[2]}/page")
    assert Site.asked == []
