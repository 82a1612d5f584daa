"""The hosted embedder on real HTTP: what it asks, what failures mean, that a new model embeds anew."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from django.db.models.functions import Now
from pytest_django import Settings

from khronos.exceptions import Failure, Permanent, Throttled, Transient, Unauthorized
from khronos.knowledge import intake, readers, refreshing
from khronos.knowledge.embedding.chosen import embedder
from khronos.knowledge.search import search
from khronos.models import Chunk, Document
from tests.factories import make_tenant


class Host(BaseHTTPRequestHandler):
    asked: list[dict[str, Any]]
    status, body = 200, b""
    headers_out: dict[str, str]

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(request | {"path": self.path, "key": self.headers["Authorization"]})
        rows = [
            {"index": number, "embedding": [float(len(text))] * 64}
            for number, text in enumerate(request["input"])
        ]
        body = self.body or json.dumps({"data": rows[::-1]}).encode()
        self.send_response(self.status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **self.headers_out,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def host(settings: Settings) -> Iterator[type[Host]]:
    Host.asked, Host.status, Host.body, Host.headers_out = [], 200, b"", {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.OPENAI_BASE_URL = f"http://127.0.0.1:{server.server_port}/v1"
    settings.OPENAI_API_KEY = "sk-of-a-test"
    settings.EMBEDDINGS = "openai"
    settings.EMBEDDINGS_MODEL = "embed-small"
    embedder.cache_clear()
    yield Host
    vars(embedder())["_client"].close()
    embedder.cache_clear()
    server.shutdown()
    server.server_close()


def test_texts_are_asked_for_together_and_come_back_in_their_order(host: type[Host]) -> None:
    vectors = embedder().embed(["a", "bbb"], patience_s=5)
    assert vectors.shape == (2, 64)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    (asked,) = host.asked
    assert (asked["path"], asked["key"]) == ("/v1/embeddings", "Bearer sk-of-a-test")
    assert (asked["model"], asked["input"]) == ("embed-small", ["a", "bbb"])


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, Unauthorized),
        (404, Unauthorized),
        (429, Throttled),
        (500, Transient),
        (503, Transient),
        (400, Permanent),
    ],
)
def test_a_failure_is_named_and_nothing_is_asked_twice(
    host: type[Host], status: int, kind: type[Failure]
) -> None:
    host.status, host.body, host.headers_out = status, b'{"error": {"message": "no"}}', {"Retry-After": "7"}
    with pytest.raises(kind) as failure:
        embedder().embed(["a"], patience_s=5)
    assert type(failure.value) is kind
    assert getattr(failure.value, "retry_after", 7) == 7
    assert len(host.asked) == 1


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"no", b'{"data": []}', b'{"data": [{"index": 0, "embedding": [1, 2]}]}']
)
def test_an_odd_answer_is_a_failure_that_passes(host: type[Host], body: bytes) -> None:
    host.body = body
    with pytest.raises(Transient):
        embedder().embed(["a"], patience_s=5)


@pytest.mark.django_db
@pytest.mark.usefixtures("bus")
def test_what_an_older_model_embedded_is_found_by_words_and_embedded_anew(
    host: type[Host], settings: Settings
) -> None:
    tenant = make_tenant()
    intake.add(tenant, "a.md", b"# Returns\n\nThirty days.")
    readers.read_all()
    assert Chunk.objects.get().model == "openai:embed-small"
    vars(embedder())["_client"].close()
    settings.EMBEDDINGS = "local"
    embedder.cache_clear()
    (passage,) = search(tenant.pk, "returns")
    assert (passage.meaning, passage.covers) == (0.0, True)
    assert refreshing.refresh() == (1, 0)
    assert readers.read_all() == 1
    assert Chunk.objects.get().model == Document.objects.get().model == "use-multilingual-3"
    assert refreshing.refresh() == (0, 0)
    (passage,) = search(tenant.pk, "returns")
    assert passage.meaning > 0.2
    settings.EMBEDDINGS = "openai"
    embedder.cache_clear()


@pytest.mark.django_db
@pytest.mark.usefixtures("bus")
def test_a_page_that_grew_old_is_looked_at_again_once(settings: Settings) -> None:
    document = intake.add(
        make_tenant(), "https://docs.example.com/a", b"Hello there", form=Document.Form.TEXT
    )
    readers.read_all()
    assert refreshing.refresh() == (0, 0)
    Document.objects.update(read_at=Now() - timedelta(days=8))
    assert refreshing.refresh() == (0, 1)
    document.refresh_from_db()
    assert document.state == Document.State.READY
    assert refreshing.refresh() == (0, 0)
