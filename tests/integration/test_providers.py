"""The models through the official SDKs: what is asked, what is understood, and every way to fail."""

import gzip
import logging
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any

import orjson
import pytest
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.agents.providers import configured, provider
from khronos.agents.providers.base import Completion, Line, Prompt, Provider
from khronos.exceptions import Failure, Permanent, Transient, Unauthorized
from khronos.http import pool
from tests.integration.raw_server import Caller, RawServer, Script, answer, serving

NAMES = ("anthropic", "openai")
QUESTION = Prompt("Be brief.", [Line("user", "Where is my order?")], "en", max_tokens=200)
DIALOGUE = Prompt("Be brief.", [Line("user", "Hi"), Line("assistant", "Hello"), Line("user", "Order?")])


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> Iterator[None]:
    settings.ANTHROPIC_API_KEY, settings.OPENAI_API_KEY = "sk-ant-simulated", "sk-simulated"
    provider.cache_clear()
    yield
    provider.cache_clear()


@pytest.fixture(params=NAMES)
def model(request: pytest.FixtureRequest, sim: Simulator) -> Iterator[Provider]:
    yield provider(request.param)
    pool(sim.url).close()


def ask(name: str, server: RawServer, settings: Settings, prompt: Prompt = QUESTION) -> Completion:
    """Ask a server that misbehaves."""
    settings.ANTHROPIC_BASE_URL, settings.OPENAI_BASE_URL = server.url, f"{server.url}/v1"
    try:
        return provider(name).complete(prompt)
    finally:
        pool(server.url).close()


def saying(data: bytes) -> Script:
    def script(caller: Caller) -> None:
        caller.read_request()
        caller.send(data)

    return script


def sent(server: RawServer) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(server.requests[-1].partition(b"\r\n\r\n")[2])
    return body


def claude(text: str | None = "ok", stop_reason: str = "end_turn", **more: Any) -> bytes:
    content = [] if text is None else [{"type": "text", "text": text}]
    usage = {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 5}
    message = {"content": content, "stop_reason": stop_reason, "usage": usage, "model": "claude-x", **more}
    return answer(orjson.dumps(message))


def gpt(text: str | None = "ok", finish_reason: str = "stop", **message: Any) -> bytes:
    choice = {"message": {"role": "assistant", "content": text, **message}, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 7, "completion_tokens": 5}
    return answer(orjson.dumps({"choices": [choice], "usage": usage, "model": "gpt-x"}))


# What is asked


def test_a_question_is_answered(model: Provider, sim: Simulator) -> None:
    sim.models.reply("It is on its way.")
    completion = model.complete(QUESTION)
    assert completion.text == "It is on its way."
    assert completion.provider == model.name
    assert completion.stop_reason in ("end_turn", "stop")
    assert completion.input_tokens > 0
    assert completion.output_tokens > 0
    (call,) = sim.models.calls()
    assert (call.outcome, call.question, call.system_length) == ("ok", "Where is my order?", len("Be brief."))


def test_the_time_is_measured(model: Provider, sim: Simulator) -> None:
    sim.models.think(0.1)
    assert 100 <= model.complete(QUESTION).duration_ms < 2000


def test_anthropic_is_asked_in_its_own_form(settings: Settings) -> None:
    with serving(saying(claude())) as server:
        completion = ask("anthropic", server, settings, DIALOGUE)
    assert sent(server) == {
        "model": "claude-sonnet-5-5",
        "max_tokens": 1024,
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "Order?"},
        ],
    }
    head = server.requests[0].lower()
    assert head.startswith(b"post /v1/messages http/1.1\r\n")
    assert b" sk-ant-simulated\r\n" in head
    assert b"\r\nanthropic-version: 20" in head
    assert completion == Completion("ok", "anthropic", "claude-x", 7, 5, "end_turn", completion.duration_ms)


def test_openai_is_asked_in_its_own_form(settings: Settings) -> None:
    with serving(saying(gpt())) as server:
        completion = ask("openai", server, settings, QUESTION)
    assert sent(server) == {
        "model": "gpt-5-mini",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Where is my order?"},
        ],
        "max_completion_tokens": 2248,
        "reasoning_effort": "low",
    }
    assert server.requests[0].lower().startswith(b"post /v1/chat/completions http/1.1\r\n")
    assert b"\r\nauthorization: bearer sk-simulated\r\n" in server.requests[0].lower()
    assert completion == Completion("ok", "openai", "gpt-x", 7, 5, "stop", completion.duration_ms)


def test_an_openai_model_that_does_not_think_is_given_the_plain_limit(settings: Settings) -> None:
    settings.OPENAI_MODEL = "gpt-4o-mini"
    with serving(saying(gpt())) as server:
        ask("openai", server, settings)
    assert sent(server)["max_completion_tokens"] == 200
    assert "reasoning_effort" not in sent(server)


def test_without_instructions_there_is_no_system_prompt(settings: Settings) -> None:
    with serving(saying(claude())) as server:
        ask("anthropic", server, settings, Prompt("", [Line("user", "  ")]))
    assert "system" not in sent(server)
    assert sent(server)["messages"] == [{"role": "user", "content": "…"}]


def test_threads_share_one_provider(model: Provider, sim: Simulator) -> None:
    sim.models.think(0.02)
    with ThreadPoolExecutor(24) as threads:
        texts = list(threads.map(lambda _: model.complete(QUESTION).text, range(96)))
    assert len(texts) == len(sim.models.calls()) == 96
    assert max(call.concurrency for call in sim.models.calls()) > 8


# What is understood


@pytest.mark.parametrize(
    ("name", "said", "text", "stop_reason"),
    [
        ("anthropic", claude("part", "max_tokens"), "part", "max_tokens"),
        ("openai", gpt("part", "length"), "part", "length"),
        ("anthropic", claude(None, "refusal"), "I am sorry, I cannot help with that.", "refusal"),
        ("anthropic", claude("Here is ho", "refusal"), "I am sorry, I cannot help with that.", "refusal"),
        ("openai", gpt(None, "content_filter"), "I am sorry, I cannot help with that.", "refusal"),
        ("openai", gpt(None, "stop", refusal="I will not."), "I will not.", "refusal"),
        ("anthropic", claude(usage=None), "ok", "end_turn"),
        ("anthropic", claude(usage={"input_tokens": None, "output_tokens": -1}), "ok", "end_turn"),
        (
            "anthropic",
            claude(
                content=[
                    {"type": "thinking", "thinking": "hm"},
                    {"type": "text", "text": "a"},
                    1,
                    {"type": "text"},
                ]
            ),
            "a",
            "end_turn",
        ),
    ],
)
def test_answers(settings: Settings, name: str, said: bytes, text: str, stop_reason: str) -> None:
    with serving(saying(said)) as server:
        completion = ask(name, server, settings)
    assert completion.text.startswith(text)
    assert completion.stop_reason == stop_reason


def test_a_refusal_is_polite_in_the_contact_s_language(sim: Simulator) -> None:
    sim.models.fail("refusal")
    completion = provider("anthropic").complete(Prompt("", [Line("user", "x")], "pt-br"))
    assert completion.text.startswith("Desculpe")
    assert completion.stop_reason == "refusal"


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
        (429, Transient),
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
        (f"Retry-After: {formatdate(time.time() + 60, usegmt=True)}", 40, 60),
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


@pytest.mark.parametrize("header", ["X: y", "Retry-After: soon", "Retry-After: nan", "Retry-After:"])
def test_no_time_to_wait(settings: Settings, header: str) -> None:
    with serving(saying(answer(b"{}", "503 Busy", header))) as server, pytest.raises(Transient) as caught:
        ask("anthropic", server, settings)
    assert caught.value.retry_after is None


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("anthropic", "400 Bad Request", {"message": "Your credit balance is too low to access the API"}),
        (
            "openai",
            "429 Too Many Requests",
            {"code": "insufficient_quota", "message": "You exceeded your quota"},
        ),
    ],
)
def test_an_unpaid_bill_is_an_operator_s_business(
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


@pytest.mark.parametrize("kind", ["reset", "hang", "trickle", "cut"])
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
        assert time.monotonic() - started < 1.5
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


# Which are asked


@pytest.mark.parametrize(
    ("anthropic", "openai", "order", "expected"),
    [
        ("", "", (), ["offline"]),
        ("a", "", (), ["anthropic"]),
        ("", "o", (), ["openai"]),
        ("a", "o", (), ["anthropic", "openai"]),
        ("a", "o", ("openai", "anthropic"), ["openai", "anthropic"]),
        ("a", "o", ("openai",), ["openai"]),
        ("a", "", ("openai",), ["anthropic"]),
        ("", "", ("openai",), ["offline"]),
        ("a", "o", ("offline",), ["offline"]),
        ("a", "o", ("unknown",), ["anthropic", "openai"]),
    ],
)
def test_those_with_a_key_are_asked_in_order(
    settings: Settings, anthropic: str, openai: str, order: tuple[str, ...], expected: list[str]
) -> None:
    settings.ANTHROPIC_API_KEY, settings.OPENAI_API_KEY = anthropic, openai
    assert configured(order) == expected


def test_every_provider_of_the_table_can_be_made() -> None:
    for name in ("anthropic", "openai", "offline"):
        assert provider(name).name == name
        assert provider(name) is provider(name)
