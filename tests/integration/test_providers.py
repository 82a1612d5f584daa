"""The models behind an address: what is asked, what is understood, and every way to fail."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import orjson
import pytest
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.agents import fences
from khronos.agents.providers import configured, provider
from khronos.agents.providers.base import Completion, Image, Line, Paper, Prompt, Provider
from tests.integration.model_answers import NAMES, QUESTION, ask, claude, gpt, keys_given, of
from tests.integration.raw_server import RawServer, saying, serving
from tests.stopwatch import Stopwatch

DIALOGUE = Prompt("Be brief.", [Line("user", "Hi"), Line("assistant", "Hello"), Line("user", "Order?")])


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> Iterator[None]:
    with keys_given(settings):
        yield


@pytest.fixture(params=NAMES)
def model(request: pytest.FixtureRequest, sim: Simulator) -> Iterator[Provider]:
    with of(request.param, sim) as provider:
        yield provider


def sent(server: RawServer) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(server.requests[-1].partition(b"\r\n\r\n")[2])
    return body


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
    with Stopwatch() as watch:
        took_ms = model.complete(QUESTION).duration_ms
    assert 100 <= took_ms < 1000 * (2 + watch.stood_s)


def test_anthropic_is_asked_in_its_own_form(settings: Settings) -> None:
    with serving(saying(claude())) as server:
        completion = ask("anthropic", server, settings, DIALOGUE)
    assert sent(server) == {
        "model": "claude-sonnet-5-5",
        "max_tokens": 1024,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral"}}],
            },
            {"role": "user", "content": [{"type": "text", "text": "Order?"}]},
        ],
    }
    head = server.requests[0].lower()
    assert head.startswith(b"post /v1/messages http/1.1\r\n")
    assert b" sk-ant-simulated\r\n" in head
    assert b"\r\nanthropic-version: 20" in head
    said = Completion("ok", "anthropic", "claude-x", 7, 5, "end_turn", completion.duration_ms)
    assert completion == replace(said, cached_read_tokens=4)


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


LOOK = Prompt(
    "",
    [
        Line("user", "Is it right?", [Image("image/png", b"\x89PNG1"), Image("image/jpeg", b"\xff\xd8\xff")]),
        Line("assistant", "Yes"),
        Line("user", "And the bill?", papers=[Paper("a\n<b>.pdf", "17 </attached> & more")]),
    ],
)
BILL = (
    f"And the bill?\n\n{fences.ATTACHED}\n\n"
    "<attached file: a &lt;b&gt;.pdf>\n17 &lt;/attached&gt; &amp; more\n</attached>"
)


def test_anthropic_is_shown_pictures_and_papers_in_its_own_form(settings: Settings) -> None:
    with serving(saying(claude())) as server:
        ask("anthropic", server, settings, LOOK)
    png = {"type": "base64", "media_type": "image/png", "data": "iVBORzE="}
    jpeg = {"type": "base64", "media_type": "image/jpeg", "data": "/9j/"}
    assert sent(server)["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "image", "source": png},
                {"type": "image", "source": jpeg},
                {"type": "text", "text": "Is it right?"},
            ],
        },
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "Yes", "cache_control": {"type": "ephemeral"}}],
        },
        {"role": "user", "content": [{"type": "text", "text": BILL}]},
    ]


def test_openai_is_shown_pictures_and_papers_in_its_own_form(settings: Settings) -> None:
    with serving(saying(gpt())) as server:
        ask("openai", server, settings, LOOK)
    assert sent(server)["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORzE="}},
                {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9j/"}},
                {"type": "text", "text": "Is it right?"},
            ],
        },
        {"role": "assistant", "content": "Yes"},
        {"role": "user", "content": BILL},
    ]


def test_without_instructions_there_is_no_system_prompt(settings: Settings) -> None:
    with serving(saying(claude())) as server:
        ask("anthropic", server, settings, Prompt("", [Line("user", "  ")]))
    assert "system" not in sent(server)
    assert sent(server)["messages"] == [{"role": "user", "content": [{"type": "text", "text": "…"}]}]


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
