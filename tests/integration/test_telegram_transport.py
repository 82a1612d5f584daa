"""Sending by the Bot API, against the simulator and against servers that misbehave."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bench.simulator import Simulator
from khronos.channels.base import Transport
from khronos.exceptions import (
    Permanent,
)
from khronos.http import pool
from tests.integration.raw_server import polite, serving
from tests.integration.telegram_bot import CHAT, sent, to, transport_to

# What arrives


def test_text_arrives_and_its_id_is_told(bot: Transport, sim: Simulator) -> None:
    message_id = bot.send(str(CHAT), "Hello & <welcome>")
    (message,) = sim.telegram.view(CHAT)
    assert (str(message.message_id), message.text) == (message_id, "Hello & <welcome>")


def test_markdown_is_shown_without_its_marks(bot: Transport, sim: Simulator) -> None:
    bot.send(str(CHAT), "**Your order** is `on < its > way`\n\n- soon")
    assert sim.telegram.answers(CHAT) == ["Your order is on < its > way\n\n• soon"]


def test_plain_text_is_shown_as_it_was_written(bot: Transport, sim: Simulator) -> None:
    bot.send(str(CHAT), "**not bold** <b>", plain=True)
    assert sim.telegram.answers(CHAT) == ["**not bold** <b>"]


def test_an_edit_replaces_the_text(bot: Transport, sim: Simulator) -> None:
    message_id = bot.send(str(CHAT), "…")
    bot.edit(str(CHAT), message_id, "*done*")
    assert sim.telegram.answers(CHAT) == ["done"]


def test_typing_is_shown(bot: Transport, sim: Simulator) -> None:
    bot.typing(str(CHAT))
    assert [call.outcome for call in sim.telegram.calls("sendChatAction")] == ["ok"]


def test_a_text_of_4096_units_passes_and_a_longer_one_is_refused(bot: Transport) -> None:
    bot.send(str(CHAT), "😀" * 2048)
    with pytest.raises(Permanent, match="too long"):
        bot.send(str(CHAT), "😀" * 2049)


def test_many_threads_share_one_transport(bot: Transport, sim: Simulator) -> None:
    with ThreadPoolExecutor(16) as threads:
        ids = list(threads.map(lambda number: bot.send(str(CHAT), f"message {number}"), range(200)))
    assert len(set(ids)) == 200
    assert sorted(sim.telegram.answers(CHAT)) == sorted(f"message {number}" for number in range(200))


@pytest.mark.parametrize(
    ("chat", "text", "plain", "expected"),
    [
        ("7", "hi", False, {"chat_id": 7, "text": "hi"}),
        ("7", "**hi**", False, {"chat_id": 7, "text": "<b>hi</b>", "parse_mode": "HTML"}),
        ("7", "**hi**", True, {"chat_id": 7, "text": "**hi**"}),
        ("-100:3", "hi", False, {"chat_id": -100, "message_thread_id": 3, "text": "hi"}),
        ("7", "a\0b\ud800c", False, {"chat_id": 7, "text": "abc"}),
    ],
)
def test_parameters_of_a_message(chat: str, text: str, plain: bool, expected: dict[str, Any]) -> None:
    with serving(polite) as server:
        assert to(server, lambda transport: transport.send(chat, text, plain=plain)) == "77"
    assert sent(server) == expected
    assert server.requests[0].startswith(b"POST /bot424242:simulated-token/sendMessage HTTP/1.1\r\n")


def test_a_base_address_may_have_a_path() -> None:
    with serving(polite) as server:
        transport_to(f"{server.url}/telegram/").typing("7")
        pool(server.url).close()
    assert server.requests[0].startswith(b"POST /telegram/bot424242:simulated-token/sendChatAction ")


def test_an_id_that_is_none_of_telegram_s_is_refused(bot: Transport) -> None:
    with pytest.raises(Permanent):
        bot.edit(str(CHAT), "", "hi")
    with pytest.raises(Permanent):
        bot.send("7:x", "hi")
