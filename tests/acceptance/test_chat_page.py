"""The chat page's way over HTTP, on an instance that has no key and no token."""

import json
import time
import urllib.request
from collections.abc import Iterator

import pytest

from bench.instance import Instance
from bench.simulator import Simulator
from khronos.management.chatline import Chatline

NOTHING = {"ANTHROPIC_API_KEY": "", "TELEGRAM_BOT_TOKEN": "", "PUBLIC_URL": ""}
PATIENCE_S = 45.0


@pytest.fixture(scope="module")
def khronos() -> Iterator[Instance]:
    with Simulator.start() as world, Instance(world, env=NOTHING, token="") as instance:
        yield instance
        assert world.models.calls() == []
        assert world.telegram.calls() == []


def ask(chat: Chatline, words: str) -> list[str]:
    """All that is answered."""
    chat.news()
    return say(chat, words)


def say(chat: Chatline, words: str) -> list[str]:
    until = time.monotonic() + PATIENCE_S
    chat.say(words, until)
    return [line.text for line in chat.answers(until)]


def test_page_is_there_and_up_says_who_answers(khronos: Instance) -> None:
    with urllib.request.urlopen(f"{khronos.url}/chat/", timeout=10) as response:
        assert response.status == 200
        assert b"<textarea" in response.read()
    assert "No model key is set: the built-in offline agent answers" in khronos.said()
    assert "poller" not in khronos.names()


def test_question_is_answered_in_the_language_of_its_words(khronos: Instance) -> None:
    chat = Chatline(khronos.url)
    (answer,) = ask(chat, "Qual é o horário de funcionamento?")
    assert "horário de funcionamento" in answer
    assert chat.news() == []


def test_visitors_see_their_own_conversation_only(khronos: Instance) -> None:
    ana, bob = Chatline(khronos.url), Chatline(khronos.url)
    (to_ana,), (to_bob,) = ask(ana, "my name is Ana"), ask(bob, "my name is Bob")
    assert ("Ana" in to_ana, "Bob" in to_ana) == (True, False)
    assert ("Ana" in to_bob, "Bob" in to_bob) == (False, True)
    assert ana.news() == bob.news() == []


@pytest.mark.parametrize("name", ["web", "dispatcher", "agent", "valkey"])
def test_question_survives_the_death_of_any_process(khronos: Instance, name: str) -> None:
    chat = Chatline(khronos.url)
    chat.news()
    killed = khronos.kill(name)
    assert len(say(chat, "Are you still there, after all that?")) == 1
    khronos.wait_back(name, killed)
    assert chat.news() == []


def test_same_id_sent_twice_is_one_message(khronos: Instance) -> None:
    chat = Chatline(khronos.url)
    chat.news()
    body = json.dumps({"id": "the-same-id-twice", "text": "hello"}).encode()
    for _ in range(2):
        request = urllib.request.Request(f"{khronos.url}/chat/messages", body, method="POST")
        request.add_header("Content-Type", "application/json")
        request.add_header("Cookie", chat._cookie)
        with urllib.request.urlopen(request, timeout=10) as response:
            assert response.status == 202
    assert len(list(chat.answers(time.monotonic() + PATIENCE_S))) == 1
    query = "SELECT count(*) FROM khronos_message WHERE external_id = 'the-same-id-twice'"
    assert khronos.sql(query) == [(1,)]
