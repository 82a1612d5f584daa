"""Answers of models as they come over the wire, and a way to ask a server that misbehaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.agents.providers import provider
from khronos.agents.providers.base import Completion, Line, Prompt, Provider
from khronos.http import pool
from tests.integration.raw_server import RawServer, answer

NAMES = ("anthropic", "openai")
QUESTION = Prompt("Be brief.", [Line("user", "Where is my order?")], "en", max_tokens=200)


@contextmanager
def keys_given(settings: Settings) -> Iterator[None]:
    """Both have a key; nobody keeps a client of an earlier test."""
    settings.ANTHROPIC_API_KEY, settings.OPENAI_API_KEY = "sk-ant-simulated", "sk-simulated"
    provider.cache_clear()
    yield
    provider.cache_clear()


@contextmanager
def of(name: str, sim: Simulator) -> Iterator[Provider]:
    yield provider(name)
    pool(sim.url).close()


def ask(name: str, server: RawServer, settings: Settings, prompt: Prompt = QUESTION) -> Completion:
    settings.ANTHROPIC_BASE_URL, settings.OPENAI_BASE_URL = server.url, f"{server.url}/v1"
    try:
        return provider(name).complete(prompt)
    finally:
        pool(server.url).close()


def claude(text: str | None = "ok", stop_reason: str = "end_turn", **more: Any) -> bytes:
    content = [] if text is None else [{"type": "text", "text": text}]
    usage = {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 5}
    message = {"content": content, "stop_reason": stop_reason, "usage": usage, "model": "claude-x", **more}
    return answer(orjson.dumps(message))


def gpt(text: str | None = "ok", finish_reason: str = "stop", **message: Any) -> bytes:
    choice = {"message": {"role": "assistant", "content": text, **message}, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 7, "completion_tokens": 5}
    return answer(orjson.dumps({"choices": [choice], "usage": usage, "model": "gpt-x"}))
