"""Every way in which a model may fail, and what it means for the question."""

import gzip
import logging
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import orjson
import pytest
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.agents.providers import provider
from khronos.agents.providers.base import Provider
from khronos.exceptions import Failure, Permanent, Throttled, Transient, Unauthorized
from khronos.http import pool
from tests.integration.model_answers import NAMES, QUESTION, ask, claude, gpt, keys_given, of
from tests.integration.raw_server import answer, saying, serving

# A tool for whoever was given none.
UNASKED = {"type": "tool_use", "id": "t", "name": "made_up", "input": {}, "arguments": "{}"}


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> Iterator[None]:
    with keys_given(settings):
        yield


@pytest.fixture(params=NAMES)
def model(request: pytest.FixtureRequest, sim: Simulator) -> Iterator[Provider]:
    with of(request.param, sim) as provider:
        yield provider


# Every way to fail


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Permanent),
        (401, Unauthorized),
        (402, Unauthorized),
        (403, Unauthorized),
        (404, Unauthorized),
        (408, Transient),
        (413, Permanent),
        (422, Permanent),
        (429, Throttled),
        (500, Transient),
        (502, Transient),
        (503, Transient),
        (529, Transient),
    ],
)
def test_statuses(model: Provider, sim: Simulator, status: int, kind: type[Failure]) -> None:
    sim.models.fail(status=status)
    with pytest.raises(kind) as caught:
        model.complete(QUESTION)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(f"{status} ")
    assert "Error code" not in str(caught.value)
    assert len(sim.models.calls()) == 1


def test_the_time_to_wait_is_told(model: Provider, sim: Simulator) -> None:
    sim.models.fail(status=429, retry_after=12.5)
    with pytest.raises(Transient) as caught:
        model.complete(QUESTION)
    assert caught.value.retry_after == 12.5


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("retry-after-ms: 250", 0.25, 0.25),
        (f"Retry-After: {formatdate(time.time() + 7200, usegmt=True)}", 3600, 7200),
        (f"Retry-After: {formatdate(time.time() - 60, usegmt=True)}", 0, 0),
        ("Retry-After: 999999999", 86_400, 86_400),
        ("Retry-After: -5", 0, 0),
    ],
)
def test_forms_of_the_time_to_wait(settings: Settings, header: str, least: float, most: float) -> None:
    with serving(saying(answer(b"{}", "503 Busy", header))) as server, pytest.raises(Transient) as caught:
        ask("anthropic", server, settings)
    assert caught.value.retry_after is not None
    assert least <= caught.value.retry_after <= most


BEYOND = "Retry-After: Mon, 01 Jan 99999999999 00:00:00 GMT"


@pytest.mark.parametrize("header", ["X: y", "Retry-After: soon", "Retry-After: nan", "Retry-After:", BEYOND])
def test_no_time_to_wait(settings: Settings, header: str) -> None:
    with serving(saying(answer(b"{}", "503 Busy", header))) as server, pytest.raises(Transient) as caught:
        ask("anthropic", server, settings)
    assert caught.value.retry_after is None


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("anthropic", "400 Bad Request", {"message": "Your credit balance is too low to access the API"}),
        (
            "anthropic",
            "400 Bad Request",
            {
                "message": "You have reached your specified API usage limits. "
                "You will regain access on 2026-12-01 at 00:00 UTC."
            },
        ),
        ("anthropic", "400 Bad Request", {"message": "This organization has been disabled."}),
        (
            "openai",
            "429 Too Many Requests",
            {"code": "insufficient_quota", "message": "You exceeded your quota"},
        ),
    ],
)
def test_a_closed_account_is_an_operator_s_business(
    settings: Settings, name: str, status: str, error: dict[str, str]
) -> None:
    with (
        serving(saying(answer(orjson.dumps({"error": error}), status))) as server,
        pytest.raises(Unauthorized),
    ):
        ask(name, server, settings)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "said",
    [
        b"",
        answer(b"<html>"),
        answer(b"xx", "200 OK", "Content-Encoding: gzip"),
        answer(b"[]"),
        answer(b"null"),
        answer(b'{"content":'),
        answer(b"{}"),
        b"nonsense\r\n\r\n",
    ],
    ids=["cut", "page", "no gzip", "list", "null", "garbled", "hollow", "nonsense"],
)
def test_answers_that_cannot_be_read_are_transient(settings: Settings, name: str, said: bytes) -> None:
    with serving(saying(said)) as server, pytest.raises(Transient):
        ask(name, server, settings)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("name", "said", "kind"),
    [
        ("anthropic", claude(None), Transient),
        ("anthropic", claude("  "), Transient),
        ("openai", gpt(None), Transient),
        ("anthropic", claude(None, "max_tokens"), Permanent),
        ("openai", gpt("", "length"), Permanent),
        ("anthropic", claude(None, "tool_use", content=[UNASKED]), Transient),
        ("openai", gpt(None, "tool_calls", tool_calls=[{"id": "c", "function": UNASKED}]), Transient),
    ],
)
def test_empty_answers(settings: Settings, name: str, said: bytes, kind: type[Failure]) -> None:
    with serving(saying(said)) as server, pytest.raises(kind):
        ask(name, server, settings)


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
def test_a_compressed_answer_is_read(settings: Settings, compress: Callable[[bytes], bytes]) -> None:
    body = claude().partition(b"\r\n\r\n")[2]
    encoding = "gzip" if compress is gzip.compress else "deflate"
    with serving(saying(answer(compress(body), "200 OK", f"Content-Encoding: {encoding}"))) as server:
        assert ask("anthropic", server, settings).text == "ok"


def test_a_refused_connection_is_transient(settings: Settings) -> None:
    with serving(saying(b"")) as server:
        pass
    for name in NAMES:
        with pytest.raises(Transient, match="Connection refused"):
            ask(name, server, settings)


@pytest.mark.parametrize("kind", ["reset", "hang", "trickle", "drip", "cut"])
def test_a_model_that_does_not_answer_in_time_is_transient(
    sim: Simulator, settings: Settings, kind: Any
) -> None:
    settings.PROVIDER_TOTAL_TIMEOUT_S = {"anthropic": 0.4, "openai": 0.4}
    sim.models.fail(kind, seconds=30 if kind == "trickle" else 0)
    for name in NAMES:
        provider.cache_clear()
        started = time.monotonic()
        with pytest.raises(Transient):
            provider(name).complete(QUESTION)
        assert time.monotonic() - started < 5.0
    assert len(sim.models.calls()) <= 2
    pool(sim.url).close()


@pytest.mark.parametrize("key", ["ключ", "a\nb"])
def test_a_key_that_cannot_be_one_is_unauthorized(sim: Simulator, settings: Settings, key: str) -> None:
    settings.ANTHROPIC_API_KEY = settings.OPENAI_API_KEY = key
    for name in NAMES:
        with pytest.raises(Unauthorized):
            provider(name).complete(QUESTION)
    assert sim.models.calls() == []


@pytest.mark.parametrize("status", [200, 401, 529])
def test_the_key_is_in_no_text_and_no_log(
    sim: Simulator, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    if status != 200:
        sim.models.fail(status=status)
    told = ""
    for name in NAMES:
        try:
            provider(name).complete(QUESTION)
        except Failure as error:
            told += "".join(traceback.format_exception(error))
    assert "sk-simulated" not in told
    assert "sk-ant-simulated" not in told
    assert "sk-ant-simulated" not in caplog.text
    assert "sk-simulated" not in caplog.text
    pool(sim.url).close()
