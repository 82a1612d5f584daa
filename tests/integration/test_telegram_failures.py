"""What a failed call of the Bot API means: done, not done, or nobody knows."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.channels.base import Transport
from khronos.channels.telegram import BotApi
from khronos.exceptions import (
    Ambiguous,
    Blocked,
    Failure,
    MarkupRefused,
    Migrated,
    Permanent,
    Transient,
    Unauthorized,
    Unchanged,
    Vanished,
)
from khronos.http import pool
from tests.integration.raw_server import Caller, answer, polite, saying, serving
from tests.integration.telegram_bot import CHAT, to, transport_to
from tests.stopwatch import Stopwatch

type Deed = Callable[[Transport], Any]
SEND: Deed = lambda transport: transport.send("7", "hi")  # noqa: E731
EDIT: Deed = lambda transport: transport.edit("7", "1", "hi")  # noqa: E731
TYPING: Deed = lambda transport: transport.typing("7")  # noqa: E731
BUTTON: Deed = lambda transport: transport.answer_button("1")  # noqa: E731


# What goes wrong, and is known not to have been done


def test_markup_that_is_refused_is_told_apart(bot: Transport, sim: Simulator) -> None:
    sim.telegram.fail(status=400, description="Bad Request: can't parse entities: Unclosed start tag")
    with pytest.raises(MarkupRefused):
        bot.send(str(CHAT), "**hi**")


def test_an_edit_to_the_same_text_is_unchanged(bot: Transport) -> None:
    message_id = bot.send(str(CHAT), "same")
    with pytest.raises(Unchanged):
        bot.edit(str(CHAT), message_id, "same")


def test_an_edit_of_a_message_that_is_gone_is_told_apart(bot: Transport) -> None:
    with pytest.raises(Vanished):
        bot.edit(str(CHAT), "999", "hi")


def test_who_blocked_us_is_told_apart(bot: Transport, sim: Simulator) -> None:
    sim.telegram.say(CHAT, "hi")
    sim.telegram.block(CHAT)
    with pytest.raises(Blocked, match="blocked by the user"):
        bot.send(str(CHAT), "hi")


@pytest.mark.parametrize(
    ("description", "kind"),
    [
        ("Forbidden: user is deactivated", Blocked),
        ("Forbidden: bot was kicked from the supergroup chat", Blocked),
        ("Forbidden: bot is not a member of the channel chat", Blocked),
        ("Forbidden: bot can't initiate conversation with a user", Blocked),
        ("Forbidden", Blocked),
        ("Forbidden: bot can't send messages to bots", Permanent),
    ],
)
def test_what_is_forbidden(bot: Transport, sim: Simulator, description: str, kind: type[Failure]) -> None:
    sim.telegram.fail(status=403, description=description)
    with pytest.raises(Permanent) as caught:
        bot.send(str(CHAT), "hi")
    assert type(caught.value) is kind


def test_a_chat_that_moved_says_where_to() -> None:
    moved = b'{"ok":false,"error_code":400,"parameters":{"migrate_to_chat_id":-1001987654321},'
    moved += b'"description":"Bad Request: group chat was upgraded to a supergroup chat"}'
    with serving(saying(answer(moved, "400 Bad Request"))) as server, pytest.raises(Migrated) as caught:
        to(server, SEND)
    assert caught.value.new_chat_id == "-1001987654321"


def test_an_unknown_chat_is_permanent(bot: Transport) -> None:
    with pytest.raises(Permanent, match="chat not found") as caught:
        bot.send("999", "hi")
    assert type(caught.value) is Permanent


@pytest.mark.parametrize("token", ["1:unknown", "no-token", "a b/../c\r\nX: y", "ключ"])
def test_a_wrong_token_is_unauthorized(sim: Simulator, token: str) -> None:
    with pytest.raises(Unauthorized):
        BotApi(token, sim.telegram_url).get_me()


def test_no_token_is_refused_like_a_wrong_one() -> None:
    with pytest.raises(Unauthorized):
        BotApi("").get_me()


def test_too_many_requests_come_with_the_time_to_wait(bot: Transport, sim: Simulator) -> None:
    sim.telegram.fail(status=429, retry_after=17)
    with pytest.raises(Transient) as caught:
        bot.send(str(CHAT), "hi")
    assert caught.value.retry_after == 17


def test_the_time_to_wait_is_also_read_from_the_words() -> None:
    said = b'{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7"}'
    with serving(saying(answer(said, "429 Too Many Requests"))) as server, pytest.raises(Transient) as caught:
        to(server, SEND)
    assert caught.value.retry_after == 7


def test_a_proxy_s_429_tells_its_time_in_the_header() -> None:
    page = answer(b"<html>", "429 Too Many Requests", "Retry-After: 3")
    with serving(saying(page)) as server, pytest.raises(Transient) as caught:
        to(server, SEND)
    assert caught.value.retry_after == 3


@pytest.mark.parametrize("deed", [SEND, EDIT, TYPING, BUTTON])
def test_a_refused_connection_is_transient_for_all(deed: Deed) -> None:
    with serving(polite) as server:
        pass
    with pytest.raises(Transient, match="Connection refused"):
        to(server, deed)


# What may have been done: never repeated blindly when it is a message


@pytest.mark.parametrize(
    "said",
    [
        b"",
        answer(b"<html>", "502 Bad Gateway"),
        answer(
            b'{"ok":false,"error_code":500,"description":"Internal Server Error"}',
            "500 Internal Server Error",
        ),
        answer(b'{"ok":tr'),
        answer(b"[]"),
        answer(b'{"ok":false}'),
        answer(b"", "302 Found", "Location: /elsewhere"),
    ],
    ids=["cut", "page", "500", "garbled", "list", "not ok", "elsewhere"],
)
@pytest.mark.parametrize(
    ("deed", "kind"), [(SEND, Ambiguous), (EDIT, Transient), (TYPING, Transient), (BUTTON, Transient)]
)
def test_an_unclear_answer(said: bytes, deed: Deed, kind: type[Failure]) -> None:
    with serving(saying(said)) as server, pytest.raises(kind):
        to(server, deed)
    assert len(server.requests) == 1


def test_a_message_without_an_id_may_have_been_sent() -> None:
    with serving(saying(answer(b'{"ok":true,"result":true}'))) as server, pytest.raises(Ambiguous):
        to(server, SEND)


def test_an_answer_that_does_not_come_in_time_is_ambiguous(
    bot: Transport, sim: Simulator, settings: Settings
) -> None:
    settings.TELEGRAM_CONNECT_TIMEOUT_S, settings.TELEGRAM_READ_TIMEOUT_S = 0.1, 0.2
    sim.telegram.fail("lost_hang")
    with Stopwatch() as watch, pytest.raises(Ambiguous):
        bot.send(str(CHAT), "hi")
    assert watch.took_s < 2
    assert sim.telegram.answers(CHAT) == ["hi"]
    with pytest.raises(Transient):
        bot.typing(str(CHAT))


@pytest.mark.parametrize("kind", ["lost", "reset"])
def test_a_connection_cut_after_the_request_is_ambiguous_and_not_tried_again(
    bot: Transport, sim: Simulator, kind: Any
) -> None:
    bot.typing(str(CHAT))
    sim.telegram.fail(kind, method="sendMessage")
    with pytest.raises(Ambiguous):
        bot.send(str(CHAT), "hi")
    assert len(sim.telegram.calls("sendMessage")) == 1


def test_a_message_over_a_connection_that_died_while_idle_is_sent_once() -> None:
    closed = threading.Event()

    def once(caller: Caller) -> None:
        caller.read_request()
        caller.send(answer()).close()
        closed.set()

    with serving(once, polite) as server:
        transport = transport_to(server.url)
        transport.typing("7")
        assert closed.wait(5)
        assert transport.send("7", "hi") == "77"
        pool(server.url).close()
    assert [b"/sendMessage" in request for request in server.requests] == [False, True]
