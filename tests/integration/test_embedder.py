"""The process that holds the model: texts go in, vectors come out, and whoever is in haste goes first."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from django.conf import settings as configured
from pytest_django import Settings

from bench.patience import free_port
from khronos.exceptions import Permanent, Transient
from khronos.http import close_all
from khronos.knowledge import intake, work
from khronos.knowledge.embedding import model
from khronos.knowledge.embedding.local import LocalEmbedder, ask
from khronos.knowledge.search import search
from khronos.launch.embedder import Answering, Gate, Server
from khronos.launch.probes import accepts, get
from khronos.models import Document
from tests.factories import make_tenant


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    number = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "khronos.launch.embedder", "--port", str(number)],
        cwd=configured.BASE_DIR,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )
    while not accepts("127.0.0.1", number):
        assert process.poll() is None
    yield number
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


@pytest.fixture
def embedder(port: int, settings: Settings) -> Iterator[LocalEmbedder]:
    settings.EMBEDDER_URL = f"http://127.0.0.1:{port}"
    yield LocalEmbedder()
    close_all()


def test_vectors_are_those_of_the_model_and_of_length_one(embedder: LocalEmbedder) -> None:
    vectors = embedder.embed(["Olá", "Hello there"], patience_s=30)
    assert vectors.shape == (2, 512)
    assert np.allclose(vectors, model.embed(["Olá", "Hello there"]), atol=1e-5)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)


def test_a_question_does_not_wait_for_all_that_a_library_asks_at_once(embedder: LocalEmbedder) -> None:
    embedder.embed(["Hello"], patience_s=30)
    library = threading.Thread(
        target=embedder.embed, args=(["Thirty days. " * 30] * 200,), kwargs={"patience_s": 30}
    )
    library.start()
    for _ in range(3):
        embedder.embed(["Hello"], patience_s=5, in_haste=True)
        assert library.is_alive()
    library.join(30)
    assert not library.is_alive()


def test_it_says_that_it_lives(port: int) -> None:
    assert get("127.0.0.1", port, "/health", 2.0)[0] == 200
    assert get("127.0.0.1", port, "/other", 2.0)[0] == 404


class Joined(Server):
    daemon_threads = False  # so that its end waits for whom it serves


def test_who_does_not_wait_for_the_answer_leaves_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    with Joined(("127.0.0.1", 0), Answering) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        with socket.create_connection(("127.0.0.1", server.server_port)) as caller:
            caller.sendall(b"POST /embed HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        with socket.create_connection(("127.0.0.1", server.server_port)) as caller:
            caller.sendall(b"GET /health HTTP/1.0\r\n\r\n")
            assert caller.recv(100).startswith(b"HTTP/1.1 200")
        server.shutdown()
        serving.join()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"[]", b"[1]", b'"text"'])
def test_what_is_no_list_of_texts_is_refused(embedder: LocalEmbedder, body: bytes) -> None:
    with pytest.raises(Permanent, match="400"):
        ask(body, 5.0, in_haste=False)


def test_one_that_is_away_is_a_failure_that_passes(settings: Settings) -> None:
    settings.EMBEDDER_URL = "http://127.0.0.1:1"
    with pytest.raises(Transient, match="the embedder is away"):
        LocalEmbedder().embed(["Hello"], patience_s=1)


@pytest.mark.django_db
@pytest.mark.usefixtures("bus")
def test_while_it_is_away_words_find_and_documents_wait_three_tries(settings: Settings) -> None:
    settings.EMBEDDER_URL = "http://127.0.0.1:1"
    tenant = make_tenant()
    document = intake.add(tenant, "a.md", b"# Returns\n\nThirty days.\n\n# Hours\n\nNine to six.")
    waits = []
    for _ in range(3):
        work.take(document.pk)
        document.refresh_from_db()
        if document.due_at is not None:
            waits.append(document.state)
            Document.objects.update(due_at=document.created_at)
    assert waits == [Document.State.WAITING] * 2
    assert (document.state, document.attempts, document.due_at) == (Document.State.FAILED, 3, None)
    assert "the embedder is away" in document.reason
    assert [passage.heading for passage in search(tenant.pk, "returns")] == ["Returns"]
    settings.EMBEDDER_URL = ""
    assert intake.try_again(document)
    work.take(document.pk)
    document.refresh_from_db()
    assert (document.state, document.reason) == (Document.State.READY, "")


def test_whoever_is_in_haste_goes_before_those_who_came_earlier() -> None:
    gate, order = Gate(), list[str]()

    def passing(name: str, in_haste: bool) -> threading.Thread:
        def run() -> None:
            with gate.passed(in_haste):
                order.append(name)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    with gate.passed(False):
        early = [passing(f"library {number}", False) for number in range(3)]
        late = passing("question", True)
        while not gate.waits_in_haste():
            pass
    for thread in (*early, late):
        thread.join(5)
    assert order[0] == "question"
    assert len(order) == 4
