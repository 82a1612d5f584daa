"""The fake Bot API answers a bot as the real one does."""

import http.client
import json
import threading
import time
from collections.abc import Iterator

import pytest

from bench.simulator import Simulator
from bench.simulator.client import BotClient

ANA = 1001
GROUP = -500
BLOCKED = "Forbidden: bot was blocked by the user"


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator.start() as simulator:
        yield simulator


@pytest.fixture
def world(running: Simulator) -> Simulator:
    """Healthy and empty, with a new bot."""
    running.reset()
    running.telegram.add_bot(running.telegram.token)
    return running


@pytest.fixture
def bot(world: Simulator) -> BotClient:
    world.telegram.open_chat(ANA)
    return BotClient(world.telegram_url, world.telegram.token)


def refused(answer: tuple[int, dict[str, object]]) -> tuple[int, object]:
    status, body = answer
    assert body["ok"] is False
    assert body["error_code"] == status
    return status, body["description"]


def test_a_message_is_seen_in_the_chat(world: Simulator, bot: BotClient) -> None:
    status, answer = bot.call("sendMessage", chat_id=ANA, text="*hello*", parse_mode="Markdown")
    assert (status, answer["ok"]) == (200, True)
    assert answer["result"]["text"] == "hello"
    assert answer["result"]["chat"]["type"] == "private"
    assert world.telegram.answers(ANA) == ["hello"]


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "query"])
def test_parameters_may_come_as_form_or_query(world: Simulator, bot: BotClient, content_type: str) -> None:
    path = f"/bot{world.telegram.token}/sendMessage"
    pairs = f"chat_id={ANA}&text=hi+there"
    if content_type == "query":
        status, _ = bot.send(f"{path}?{pairs}", None)
    else:
        status, _ = bot.send(path, pairs.encode(), content_type)
    assert status == 200
    assert world.telegram.answers(ANA) == ["hi there"]


def test_method_names_are_not_case_sensitive(bot: BotClient) -> None:
    assert bot.call("GETME")[1]["result"]["is_bot"] is True


def test_tokens_are_checked(world: Simulator) -> None:
    assert refused(BotClient(world.url, "77:unknown").call("getMe")) == (401, "Unauthorized")
    assert refused(BotClient(world.url, "malformed").call("getMe")) == (404, "Not Found")


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({"chat_id": 9, "text": "x"}, "Bad Request: chat not found"),
        ({"text": "x"}, "Bad Request: chat_id is empty"),
        ({"chat_id": ANA, "text": " \n"}, "Bad Request: message text is empty"),
        ({"chat_id": ANA, "text": "x" * 4097}, "Bad Request: message is too long"),
        ({"chat_id": ANA, "text": "😀" * 2049}, "Bad Request: message is too long"),
        (
            {"chat_id": ANA, "text": "a_b", "parse_mode": "Markdown"},
            "Bad Request: can't parse entities: Can't find end of the entity starting at byte offset 1",
        ),
        (
            {"chat_id": ANA, "text": "x", "reply_to_message_id": 99},
            "Bad Request: message to be replied not found",
        ),
    ],
)
def test_refusals_of_a_message(
    world: Simulator, bot: BotClient, params: dict[str, object], description: str
) -> None:
    assert refused(bot.call("sendMessage", **params)) == (400, description)
    assert world.telegram.answers(ANA) == []


def test_the_limit_counts_what_is_seen(bot: BotClient) -> None:
    assert bot.call("sendMessage", chat_id=ANA, text="😀" * 2048)[0] == 200
    assert bot.call("sendMessage", chat_id=ANA, text=f"<b>{'x' * 4096}</b>", parse_mode="HTML")[0] == 200


def test_an_edit_is_idempotent_and_leaves_a_history(world: Simulator, bot: BotClient) -> None:
    sent = bot.call("sendMessage", chat_id=ANA, text="…")[1]["result"]["message_id"]
    assert bot.call("editMessageText", chat_id=ANA, message_id=sent, text="done")[0] == 200
    again = refused(bot.call("editMessageText", chat_id=ANA, message_id=sent, text="done"))
    assert again[0] == 400
    assert str(again[1]).startswith("Bad Request: message is not modified: ")
    (message,) = world.telegram.view(ANA)
    assert [version.text for version in message.versions] == ["…", "done"]
    missing = refused(bot.call("editMessageText", chat_id=ANA, message_id=999, text="x"))
    assert missing == (400, "Bad Request: message to edit not found")


def test_the_same_words_in_bold_are_a_change(bot: BotClient) -> None:
    sent = bot.call("sendMessage", chat_id=ANA, text="price")[1]["result"]["message_id"]
    bold = {"chat_id": ANA, "message_id": sent, "text": "*price*", "parse_mode": "Markdown"}
    assert [bot.call("editMessageText", **bold)[0] for _ in range(2)] == [200, 400]


def test_a_webhook_is_set_with_a_proper_secret_only(bot: BotClient) -> None:
    refusal = refused(bot.call("setWebhook", url="http://127.0.0.1:9/x", secret_token="no spaces"))
    assert refusal == (400, "Bad Request: secret token contains unallowed characters")
    assert bot.call("getWebhookInfo")[1]["result"]["url"] == ""


def test_a_deleted_message_is_not_seen(world: Simulator, bot: BotClient) -> None:
    sent = bot.call("sendMessage", chat_id=ANA, text="oops")[1]["result"]["message_id"]
    assert bot.call("deleteMessage", chat_id=ANA, message_id=sent)[1]["result"] is True
    assert world.telegram.view(ANA) == []
    assert refused(bot.call("deleteMessage", chat_id=ANA, message_id=sent))[0] == 400


def test_who_blocked_the_bot_cannot_be_written_to(world: Simulator, bot: BotClient) -> None:
    world.telegram.block(ANA)
    assert refused(bot.call("sendMessage", chat_id=ANA, text="x")) == (403, BLOCKED)
    world.telegram.unblock(ANA)
    assert bot.call("sendMessage", chat_id=ANA, text="x")[0] == 200


def test_an_upgraded_group_tells_its_new_id(world: Simulator, bot: BotClient) -> None:
    world.telegram.say(GROUP, "hi", sender=ANA)
    world.telegram.migrate(GROUP, -1_000_000_000_500)
    status, answer = bot.call("sendMessage", chat_id=GROUP, text="x")
    assert status == 400
    assert answer["description"] == "Bad Request: group chat was upgraded to a supergroup chat"
    assert answer["parameters"] == {"migrate_to_chat_id": -1_000_000_000_500}
    assert bot.call("sendMessage", chat_id=-1_000_000_000_500, text="x")[0] == 200


def test_a_sent_file_can_be_fetched(world: Simulator, bot: BotClient) -> None:
    update = world.telegram.voice(ANA, b"OggS-sound")
    file_id = json.loads(update.body)["message"]["voice"]["file_id"]
    path = bot.call("getFile", file_id=file_id)[1]["result"]["file_path"]
    assert bot.send(f"/file/bot{world.telegram.token}/{path}", None) == (200, b"OggS-sound")


def test_a_pressed_button_is_answered_once(world: Simulator, bot: BotClient) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    sent = bot.call("sendMessage", chat_id=ANA, text="?", reply_markup=keyboard)[1]["result"]["message_id"]
    query = json.loads(world.telegram.press(ANA, sent, "yes").body)["callback_query"]
    assert query["data"] == "yes"
    assert bot.call("answerCallbackQuery", callback_query_id=query["id"])[0] == 200
    assert bot.call("answerCallbackQuery", callback_query_id=query["id"])[0] == 400


def test_polling_hands_out_what_no_offset_has_passed(world: Simulator, bot: BotClient) -> None:
    first, second = world.telegram.say(ANA, "one"), world.telegram.say(ANA, "two")
    updates = bot.call("getUpdates")[1]["result"]
    assert [update["message"]["text"] for update in updates] == ["one", "two"]
    assert (first.accepted_at, second.accepted_at) == (None, None)
    left = bot.call("getUpdates", offset=second.update_id)[1]["result"]
    assert [update["update_id"] for update in left] == [second.update_id]
    assert (first.state, second.state) == ("accepted", "pending")


def test_a_long_poll_ends_with_the_first_update(world: Simulator, bot: BotClient) -> None:
    found: list[object] = []
    poll = threading.Thread(target=lambda: found.append(bot.call("getUpdates", timeout=20)[1]["result"]))
    poll.start()
    assert world.wait_until(world.telegram.polling)
    world.telegram.say(ANA, "wake up")
    poll.join(5)
    assert len(found) == 1
    assert found[0][0]["message"]["text"] == "wake up"  # type: ignore[index]


def test_a_second_poller_ends_the_first(world: Simulator, bot: BotClient) -> None:
    ended: list[tuple[int, dict[str, object]]] = []
    first = threading.Thread(target=lambda: ended.append(bot.call("getUpdates", timeout=20)))
    first.start()
    assert world.wait_until(world.telegram.polling)
    assert bot.call("getUpdates", timeout=0)[0] == 200
    first.join(5)
    assert refused(ended[0])[0] == 409
    assert "terminated by other getUpdates request" in str(ended[0][1]["description"])


def test_polling_is_refused_while_a_webhook_is_set(bot: BotClient) -> None:
    assert bot.call("setWebhook", url="http://127.0.0.1:9/x")[0] == 200
    assert "can't use getUpdates method while webhook is active" in str(refused(bot.call("getUpdates"))[1])
    assert bot.call("deleteWebhook")[0] == 200
    assert bot.call("getUpdates")[0] == 200


@pytest.mark.parametrize(
    ("status", "kind"), [(502, "html"), (429, "json"), (403, "json")], ids=["proxy", "flood", "refusal"]
)
def test_an_ordered_status_is_answered_once(world: Simulator, bot: BotClient, status: int, kind: str) -> None:
    world.telegram.fail(status=status, retry_after=7, method="sendMessage", count=1)
    body = json.dumps({"chat_id": ANA, "text": "x"}).encode()
    got, answer = bot.send(f"/bot{world.telegram.token}/sendMessage", body)
    assert got == status
    if kind == "html":
        assert answer.startswith(b"<html>")
    if status == 429:
        assert json.loads(answer)["parameters"] == {"retry_after": 7}
    assert bot.call("sendMessage", chat_id=ANA, text="x")[0] == 200
    assert world.telegram.answers(ANA) == ["x"]


@pytest.mark.parametrize(("kind", "seen"), [("reset", []), ("lost", ["x"])])
def test_a_cut_connection_may_or_may_not_have_delivered(
    world: Simulator, bot: BotClient, kind: str, seen: list[str]
) -> None:
    world.telegram.fail(kind, count=1)  # type: ignore[arg-type]
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        bot.call("sendMessage", chat_id=ANA, text="x")
    assert world.telegram.answers(ANA) == seen
    (call,) = world.telegram.calls("sendMessage")
    assert (call.outcome, call.done) == (f"fault:{kind}", bool(seen))


def test_a_hanging_call_never_ends_by_itself(world: Simulator) -> None:
    world.telegram.fail("hang", method="getMe", count=1)
    with pytest.raises(TimeoutError):
        BotClient(world.url, world.telegram.token, timeout=0.05).call("getMe")


def test_garbled_json_has_been_acted_upon(world: Simulator, bot: BotClient) -> None:
    world.telegram.fail("garbled", count=1)
    with pytest.raises(json.JSONDecodeError):
        bot.call("sendMessage", chat_id=ANA, text="x")
    assert world.telegram.answers(ANA) == ["x"]


def test_limits_are_counted_always_and_enforced_on_demand(world: Simulator, bot: BotClient) -> None:
    for number in range(4):
        assert bot.call("sendMessage", chat_id=ANA, text=str(number))[0] == 200
    assert world.telegram.ledger.violations == {"chat": 1}
    world.telegram.limit(chat_burst=1, chat_per_second=0.1)
    assert bot.call("sendMessage", chat_id=ANA, text="in time")[0] == 200
    status, answer = bot.call("sendMessage", chat_id=ANA, text="too many")
    assert status == 429
    assert 1 <= answer["parameters"]["retry_after"] <= 10
    assert world.telegram.answers(ANA) == ["0", "1", "2", "3", "in time"]


def test_waiting_ends_with_the_event_and_not_with_the_timeout(world: Simulator, bot: BotClient) -> None:
    sender = threading.Timer(0.05, bot.call, ["sendMessage"], {"chat_id": ANA, "text": "now"})
    sender.start()
    started = time.monotonic()
    assert world.wait_until(lambda: world.telegram.answers(ANA) == ["now"], timeout=10)
    assert time.monotonic() - started < 5
    sender.join()


def test_waiting_ends_in_time_even_when_everything_changes(world: Simulator) -> None:
    def never() -> bool:
        world.telegram.say(ANA, "still talking")
        return False

    started = time.monotonic()
    assert not world.wait_until(never, timeout=0.05)
    assert time.monotonic() - started < 5
