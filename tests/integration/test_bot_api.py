"""The bot's own affairs: who it is, its updates, its webhook, and its token that nobody may see."""

import logging
import traceback
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest

from bench.simulator import Simulator
from khronos.channels.base import Transport
from khronos.channels.telegram import KIND, BotApi
from khronos.exceptions import (
    Conflict,
    Failure,
    Misconfigured,
    Transient,
)
from khronos.http import pool
from tests.integration.raw_server import Caller, Script, answer, polite, saying, serving
from tests.integration.telegram_bot import CHAT, TOKEN, to


@pytest.fixture
def api(bot: Transport, sim: Simulator) -> BotApi:
    return BotApi(TOKEN, sim.telegram_url)


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
