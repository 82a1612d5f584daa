"""Sending by the Bot API, against the simulator and against servers that misbehave."""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.channels.base import Account, Transport
from khronos.channels.telegram import KIND, BotApi
from khronos.exceptions import (
    Ambiguous,
    Blocked,
    Conflict,
    Failure,
    MarkupRefused,
    Migrated,
    Misconfigured,
    Permanent,
    Transient,
    Unauthorized,
    Unchanged,
    Vanished,
)
from khronos.http import pool
from tests.integration.raw_server import Caller, RawServer, Script, answer, polite, serving

TOKEN = "424242:simulated-token"
CHAT = 7001
GROUP = -4001

type Deed = Callable[[Transport], Any]
SEND: Deed = lambda transport: transport.send("7", "hi")  # noqa: E731
EDIT: Deed = lambda transport: transport.edit("7", "1", "hi")  # noqa: E731
TYPING: Deed = lambda transport: transport.typing("7")  # noqa: E731
BUTTON: Deed = lambda transport: transport.answer_button("1")  # noqa: E731


@pytest.fixture
def bot(sim: Simulator) -> Iterator[Transport]:
    sim.telegram.add_bot(TOKEN, username="khronos_bot")
    sim.telegram.open_chat(CHAT)
    yield transport_to(sim.telegram_url)
    pool(sim.telegram_url).close()


@pytest.fixture
def api(bot: Transport, sim: Simulator) -> BotApi:
    return BotApi(TOKEN, sim.telegram_url)


def transport_to(url: str) -> Transport:
    return KIND.transport(Account("default", token=TOKEN, options={"api_url": url}))


def to(server: RawServer, deed: Deed) -> Any:
    try:
        return deed(transport_to(server.url))
    finally:
        pool(server.url).close()


def saying(data: bytes) -> Script:
    def script(caller: Caller) -> None:
        caller.read_request()
        caller.send(data)

    return script


def sent(server: RawServer) -> dict[str, Any]:
    parameters: dict[str, Any] = orjson.loads(server.requests[-1].partition(b"\r\n\r\n")[2])
    return parameters


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
        ("7", "hi", False, {"chat_id": "7", "text": "hi"}),
        ("7", "**hi**", False, {"chat_id": "7", "text": "<b>hi</b>", "parse_mode": "HTML"}),
        ("7", "**hi**", True, {"chat_id": "7", "text": "**hi**"}),
        ("-100:3", "hi", False, {"chat_id": "-100", "message_thread_id": 3, "text": "hi"}),
        ("7", "a\0b\ud800c", False, {"chat_id": "7", "text": "abc"}),
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


def test_no_token_is_a_misconfiguration() -> None:
    with pytest.raises(Misconfigured):
        BotApi("")


def test_too_many_requests_come_with_the_time_to_wait(bot: Transport, sim: Simulator) -> None:
    sim.telegram.fail(status=429, retry_after=17)
    with pytest.raises(Transient) as caught:
        bot.send(str(CHAT), "hi")
    assert caught.value.retry_after == 17


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
    started = time.monotonic()
    with pytest.raises(Ambiguous):
        bot.send(str(CHAT), "hi")
    assert time.monotonic() - started < 2
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


# The token is nobody's business


@pytest.mark.parametrize(
    "script",
    [
        polite,
        saying(b""),
        saying(answer(b"{}", "401 Unauthorized")),
        saying(answer(b"{}", "400 Bad Request")),
    ],
)
def test_the_token_is_in_no_text_and_no_log(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(script) as server:
        api = BotApi(TOKEN, server.url)
        told = repr(api)
        try:
            api.get_me()
        except Failure as error:
            told += "".join(traceback.format_exception(error)) + repr(error)
        assert "simulated-token" not in told
        pool(server.url).close()
    assert "simulated-token" not in caplog.text
    assert repr(api) == "<BotApi of bot 424242>"


# The bot's own affairs


def test_the_bot_knows_itself(api: BotApi) -> None:
    assert api.get_me()["username"] == "khronos_bot"


def test_polled_updates_are_what_the_webhook_would_get(api: BotApi, sim: Simulator) -> None:
    pushed = [sim.telegram.say(CHAT, text) for text in ("one", "two")]
    fetched = api.get_updates(0, 0, ["message"])
    assert [update.update_id for update in fetched] == [update.update_id for update in pushed]
    assert [KIND.identify(update.raw).key for update in fetched] == [
        str(update.update_id) for update in pushed
    ]
    assert [orjson.loads(update.raw) for update in fetched] == [
        orjson.loads(update.body) for update in pushed
    ]
    assert api.get_updates(fetched[-1].update_id + 1, 0, ["message"]) == []


def test_an_odd_update_does_not_stop_polling() -> None:
    result = b'[{"update_id":5,"message":{"text":"\\ud800","n":%s}},{"update_id":6}]' % (b"9" * 400)
    with serving(saying(answer(b'{"ok":true,"result":%s}' % result))) as server:
        fetched = BotApi(TOKEN, server.url).get_updates(0, 0, [])
        pool(server.url).close()
    assert [update.update_id for update in fetched] == [5, 6]
    assert KIND.identify(fetched[0].raw).key == "5"


@pytest.mark.parametrize("odd", [b"9" * 5000 + b".\xff", b"[" * 5000 + b"]" * 5000, b'"\xff"'])
def test_an_unreadable_update_is_taken_out_alone(odd: bytes) -> None:
    first = b'{"update_id":5,"message":{"n":%s}}' % odd

    def script(caller: Caller) -> None:
        while True:
            limit = orjson.loads(caller.read_request())["limit"]
            result = b"[%s]" % first if limit == 1 else b'[%s,{"update_id":6}]' % first
            caller.send(answer(b'{"ok":true,"result":%s}' % result))

    with serving(script) as server:
        fetched = BotApi(TOKEN, server.url).get_updates(0, 0, [])
        pool(server.url).close()
    assert [(update.update_id, update.raw) for update in fetched] == [(5, first)]


def test_an_answer_that_is_no_list_of_updates_is_transient() -> None:
    with serving(saying(answer(b'{"ok":true,"result":{"update_id":5}}'))) as server, pytest.raises(Transient):
        to(server, lambda _: BotApi(TOKEN, server.url).get_updates(0, 0, []))


def test_a_second_poller_is_a_conflict(api: BotApi, sim: Simulator) -> None:
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(api.get_updates, 0, 20, [])
        assert sim.wait_until(sim.telegram.polling)
        assert api.get_updates(0, 0, []) == []
        with pytest.raises(Conflict, match="terminated by other getUpdates"):
            first.result(10)


def test_webhook_is_set_told_and_deleted(api: BotApi) -> None:
    api.set_webhook("https://example.com/webhooks/telegram/default/", "hush", ["message"])
    assert api.get_webhook_info()["url"] == "https://example.com/webhooks/telegram/default/"
    with pytest.raises(Conflict, match="webhook"):
        api.get_updates(0, 0, [])
    api.delete_webhook()
    assert api.get_webhook_info()["url"] == ""


def test_a_webhook_without_a_secret_is_never_set(api: BotApi) -> None:
    with pytest.raises(Misconfigured):
        api.set_webhook("https://example.com/", "", ["message"])
    assert api.get_webhook_info()["url"] == ""
