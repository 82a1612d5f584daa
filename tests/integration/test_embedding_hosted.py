"""The hosted embedder on real HTTP: what it asks, what failures mean, that a new model embeds anew."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from django.db.models import F
from django.db.models.functions import Now
from pytest_django import Settings

from khronos.conversation import budgets, sweep
from khronos.exceptions import Failure, LostLease, Permanent, Throttled, Transient, Unauthorized
from khronos.guards.breakers import breaker
from khronos.http import close_all
from khronos.knowledge import intake, readers, refreshing, versions, work
from khronos.knowledge.embedding.chosen import embedder
from khronos.knowledge.reading.guarded import read
from khronos.knowledge.search import search
from khronos.knowledge.splitting import split
from khronos.models import Alert, Chunk, DeadLetter, Document, Tenant, Usage, UsageDay
from khronos.usage.charging import charged_to
from tests.factories import make_tenant, make_turn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]


class Host(BaseHTTPRequestHandler):
    asked: list[dict[str, Any]]
    status, body, tokens = 200, b"", 0
    headers_out: dict[str, str]

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(request | {"path": self.path, "key": self.headers["Authorization"]})
        rows = [
            {"index": number, "embedding": [float(len(text))] * 64}
            for number, text in enumerate(request["input"])
        ]
        told = {"usage": {"prompt_tokens": self.tokens}} if self.tokens else {}
        body = self.body or json.dumps({"data": rows[::-1]} | told).encode()
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
    Host.asked, Host.status, Host.body, Host.headers_out, Host.tokens = [], 200, b"", {}, 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.OPENAI_BASE_URL = f"http://127.0.0.1:{server.server_port}/v1"
    settings.OPENAI_API_KEY = "sk-of-a-test"
    settings.EMBEDDINGS = "openai"
    settings.EMBEDDINGS_MODEL = "embed-small"
    embedder.cache_clear()
    yield Host
    embedder.cache_clear()
    close_all()
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
    ("status", "kind", "wait_s"),
    [
        (401, Unauthorized, None),
        (404, Unauthorized, None),
        (429, Throttled, 7),
        (500, Transient, 7),
        (503, Transient, 7),
        (400, Permanent, None),
    ],
)
def test_a_failure_is_named_and_nothing_is_asked_twice(
    host: type[Host], status: int, kind: type[Failure], wait_s: float | None
) -> None:
    host.status, host.body, host.headers_out = status, b'{"error": {"message": "no"}}', {"Retry-After": "7"}
    with pytest.raises(kind) as failure:
        embedder().embed(["a"], patience_s=5)
    assert type(failure.value) is kind
    assert failure.value.retry_after == wait_s
    assert len(host.asked) == 1


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"no", b'{"data": []}', b'{"data": [{"index": 0, "embedding": [1, 2]}]}']
)
def test_an_odd_answer_is_a_failure_that_passes(host: type[Host], body: bytes) -> None:
    host.body = body
    with pytest.raises(Transient):
        embedder().embed(["a"], patience_s=5)


def test_what_an_older_model_embedded_is_found_by_words_and_embedded_anew(
    host: type[Host], settings: Settings
) -> None:
    tenant = make_tenant()
    intake.add(tenant, "a.md", b"# Returns\n\nThirty days.")
    readers.read_all()
    assert Chunk.objects.get().model == "openai:embed-small"
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


def test_what_is_embedded_is_charged_to_its_tenant_once(host: type[Host]) -> None:
    host.tokens = 3000
    tenant = make_tenant()
    intake.add(tenant, "a.md", b"# Returns\n\nThirty days.")
    readers.read_all()
    usage = Usage.objects.get()
    assert (usage.tenant_id, usage.kind, usage.model) == (tenant.pk, "embedding", "embed-small")
    assert (usage.input_tokens, usage.micros, usage.turn_id) == (3000, 15_000, None)
    search(tenant.pk, "returns")
    assert Usage.objects.count() == 2
    assert UsageDay.objects.get().micros == 30_000


def test_a_question_of_a_turn_is_charged_to_the_turn(host: type[Host]) -> None:
    turn = make_turn()
    tenant = turn.conversation.channel.tenant
    intake.add(tenant, "a.md", b"# Returns\n\nThirty days.")
    readers.read_all()
    before = Usage.objects.count()
    with charged_to(turn):
        search(tenant.pk, "returns")
    (paid,) = turn.paid
    assert (paid.kind, paid.turn_id) == ("embedding", turn.pk)
    assert Usage.objects.count() == before  # it is written with the answer


def test_a_spent_budget_parks_documents_and_leaves_words_to_questions(host: type[Host]) -> None:
    host.tokens = 3000  # more than the budget has
    tenant, other = make_tenant(monthly_budget=Decimal("0.01")), make_tenant()
    first = intake.add(tenant, "a.md", b"# Returns\n\nThirty days.")
    readers.read_all()
    parked = intake.add(tenant, "b.md", b"# Hours\n\nNine to six.")
    free = intake.add(other, "c.md", b"# Hours\n\nNine to six.")
    readers.read_all()
    for document in (first, parked, free):
        document.refresh_from_db()
    assert [each.state for each in (first, parked, free)] == ["ready", "waiting", "ready"]
    assert parked.reason.startswith(f"budget.spent.{tenant.slug}: ")
    assert parked.attempts == 0
    assert not DeadLetter.objects.exists()
    asked = len(host.asked)
    assert asked == 2
    budgets.look_at(tenant)
    assert Alert.objects.open().filter(name=f"budget.spent.{tenant.slug}").exists()
    (passage,) = [each for each in search(tenant.pk, "hours") if each.covers]
    assert (passage.heading, passage.meaning) == ("Hours", 0.0)
    assert len(host.asked) == asked
    Tenant.objects.filter(pk=tenant.pk).update(monthly_budget=5)
    assert budgets.look_at(Tenant.objects.get(pk=tenant.pk))
    assert readers.read_all() == 1
    parked.refresh_from_db()
    assert (parked.state, parked.reason) == ("ready", "")


def test_what_was_paid_for_a_version_that_nobody_wants_is_charged_all_the_same(host: type[Host]) -> None:
    document = intake.add(make_tenant(), "a.md", b"# Returns\n\nThirty days.")
    late = Document.objects.claim(document.pk, timedelta(seconds=60))
    assert late is not None
    versions.renew(late, list(split(read("markdown", b"# Returns\n\nThirty days."))))
    Document.objects.update(fence=F("fence") + 1)
    with pytest.raises(LostLease):
        work.embed(late)
    assert Usage.objects.get().kind == "embedding"
    assert not Chunk.objects.exclude(model="").exists()


def test_while_it_is_left_alone_words_find_at_once_and_documents_wait(host: type[Host]) -> None:
    tenant = make_tenant()
    intake.add(tenant, "a.md", b"# Returns\n\nThirty days.")
    assert readers.read_all() == 1
    host.status = 500
    for _ in range(4):
        assert search(tenant.pk, "returns")[0].meaning == 0.0
    assert breaker("embedder").snapshot().state == "open"
    assert len(host.asked) == 5
    (passage,) = search(tenant.pk, "returns")
    assert (passage.heading, passage.covers) == ("Returns", True)
    document = intake.add(tenant, "b.md", b"# Hours\n\nNine to six.")
    assert readers.read_all() == 1
    document.refresh_from_db()
    assert (document.state, document.attempts) == (Document.State.WAITING, 0)
    assert document.reason == "embedder: embedder is left alone, it has failed too often"
    assert not Document.objects.due().exists()
    assert len(host.asked) == 5
    host.status = 200
    breaker("embedder").reset()
    sweep.hurry("embedder")
    assert readers.read_all() == 1
    document.refresh_from_db()
    assert (document.state, document.reason) == (Document.State.READY, "")
    assert not DeadLetter.objects.exists()
