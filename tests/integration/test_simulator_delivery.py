"""Updates reach a webhook as Telegram's do: per chat in order, again until accepted."""

import json
import threading
from collections.abc import Iterator

import pytest

from bench.simulator import Simulator
from bench.simulator.client import BotClient, Hook, Received, Response
from bench.simulator.telegram.ledger import Update

ANA, BOB = 1001, 1002
SECRET = "hush"


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator.start() as simulator:
        yield simulator


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as hook:
        yield hook


@pytest.fixture
def world(running: Simulator, hook: Hook) -> Simulator:
    """Healthy and empty, with a new bot whose webhook is the hook, and quick retries."""
    running.reset()
    running.telegram.add_bot(running.telegram.token)
    running.telegram.deliver(retry_base=0.01)
    running.telegram.set_webhook(hook.url, SECRET)
    return running


def settled(world: Simulator, *updates: Update) -> bool:
    return world.wait_until(lambda: all(update.state != "pending" for update in updates))


def texts(hook: Hook) -> list[str]:
    return [received.update["message"]["text"] for received in hook.received]


def refusing(times: int, response: Response) -> list[Response]:
    return [response] * times


def test_an_update_comes_with_the_secret(world: Simulator, hook: Hook) -> None:
    update = world.telegram.say(ANA, "hello")
    assert settled(world, update)
    (received,) = hook.received
    assert received.secret == SECRET
    assert received.update["update_id"] == update.update_id
    assert received.update["message"]["chat"] == {"id": ANA, "first_name": "Person 1001", "type": "private"}
    assert update.accepted_at is not None


def test_a_refused_update_comes_again_and_holds_up_its_chat_only(world: Simulator, hook: Hook) -> None:
    refusals = refusing(3, Response(503))
    lock = threading.Lock()

    def answer(received: Received) -> Response:
        with lock:
            bad = received.update["message"]["text"] == "one" and refusals
            return refusals.pop() if bad else Response()

    hook.answer = answer
    updates = [world.telegram.say(ANA, "one"), world.telegram.say(ANA, "two"), world.telegram.say(BOB, "b")]
    assert settled(world, *updates)
    assert [text for text in texts(hook) if text != "b"] == ["one"] * 4 + ["two"]
    assert [attempt.status for attempt in updates[0].attempts] == [503, 503, 503, 200]
    assert len(updates[2].attempts) == 1


def test_our_retry_after_is_honoured(world: Simulator, hook: Hook) -> None:
    refusals = refusing(1, Response(503, headers={"Retry-After": "1"}))
    hook.answer = lambda received: refusals.pop() if refusals else Response()
    update = world.telegram.say(ANA, "hello")
    assert settled(world, update)
    assert update.attempts[1].at - update.attempts[0].at >= 1


def test_a_dead_webhook_is_told_by_its_info(world: Simulator, hook: Hook) -> None:
    world.telegram.set_webhook("http://127.0.0.1:9/nobody")
    update = world.telegram.say(ANA, "hello")
    assert world.wait_until(lambda: len(update.attempts) >= 2)
    info = BotClient(world.url, world.telegram.token).call("getWebhookInfo")[1]["result"]
    assert info["pending_update_count"] == 1
    assert "last_error_date" in info
    assert info["last_error_message"]
    world.telegram.set_webhook(hook.url, SECRET)
    assert settled(world, update)
    assert texts(hook) == ["hello"]


@pytest.mark.parametrize("together", [False, True])
def test_copies_are_the_same_update(world: Simulator, hook: Hook, together: bool) -> None:
    world.telegram.deliver(copies=3, together=together)
    update = world.telegram.say(ANA, "hello")
    assert settled(world, update)
    assert len(update.attempts) == 3
    assert len({received.body for received in hook.received}) == 1


def test_a_lost_acceptance_brings_the_update_again(world: Simulator, hook: Hook) -> None:
    world.telegram.deliver(deaf_chance=1.0)
    update = world.telegram.say(ANA, "hello")
    assert world.wait_until(lambda: len(hook.received) >= 2)
    assert update.accepted_at is None
    world.telegram.deliver(deaf_chance=0.0)
    assert settled(world, update)
    assert update.state == "accepted"


def test_without_retry_a_refused_update_is_dropped(world: Simulator, hook: Hook) -> None:
    world.telegram.deliver(retry=False)
    hook.answer = lambda received: Response(500)
    update = world.telegram.say(ANA, "hello")
    assert settled(world, update)
    assert (update.state, update.accepted_at, len(update.attempts)) == ("dropped", None, 1)


def test_a_call_in_the_answers_body_is_executed(world: Simulator, hook: Hook) -> None:
    body = json.dumps({"method": "sendMessage", "chat_id": ANA, "text": "by the body"}).encode()
    hook.answer = lambda received: Response(200, body, {"Content-Type": "application/json"})
    assert settled(world, world.telegram.say(ANA, "hello"))
    assert world.wait_until(lambda: world.telegram.answers(ANA) == ["by the body"])
    (call,) = world.telegram.calls("sendMessage")
    assert call.via_webhook


def test_raw_bytes_come_as_they_are(world: Simulator, hook: Hook) -> None:
    raw = b'{"update_id":1,"message":{"text":"\\ud800"},"x":NaN'
    assert settled(world, world.telegram.push_raw(raw, ANA))
    assert hook.received[0].body == raw


def test_only_wanted_kinds_come(world: Simulator, hook: Hook) -> None:
    client = BotClient(world.url, world.telegram.token)
    client.call("setWebhook", url=hook.url, allowed_updates=["callback_query"])
    assert world.telegram.say(ANA, "unwanted").state == "dropped"
    assert client.call("getWebhookInfo")[1]["result"]["allowed_updates"] == ["callback_query"]
    assert hook.received == []


def test_every_deed_is_an_update_that_a_library_understands(world: Simulator, hook: Hook) -> None:
    telegram = pytest.importorskip("telegram")
    people = world.telegram
    said = people.say(ANA, "/start now")
    sent = BotClient(world.url, people.token).call("sendMessage", chat_id=ANA, text="?")[1]["result"]
    updates = [
        said,
        people.edit(ANA, said.message_id or 0, "/start later"),
        people.photo(ANA, "a caption"),
        people.document(ANA, "notes.txt", b"text"),
        people.voice(ANA),
        people.sticker(ANA),
        people.location(ANA),
        people.contact(ANA),
        people.press(ANA, sent["message_id"], "yes"),
        people.say(-500, f"@{people.bot().username} help", sender=ANA),
        people.say(-500, "indeed", sender=BOB, reply_to=None),
        people.block(ANA),
        people.migrate(-500, -1_000_000_000_500),
    ]
    assert world.wait_until(lambda: len(hook.received) > len(updates))  # a migration is told on both sides
    parsed = [telegram.Update.de_json(received.update, None) for received in hook.received]
    assert settled(world, *updates)
    assert len(parsed) == len(updates) + 1
    by_id = {update.update_id: update for update in parsed}
    assert by_id[said.update_id].message.entities[0].type == "bot_command"
    assert by_id[updates[1].update_id].edited_message.text == "/start later"
    assert by_id[updates[2].update_id].message.photo[-1].width == 1280
    assert by_id[updates[8].update_id].callback_query.data == "yes"
    assert by_id[updates[9].update_id].message.chat.type == "group"
    assert by_id[updates[11].update_id].my_chat_member.new_chat_member.status == "kicked"
    assert by_id[updates[12].update_id].message.migrate_to_chat_id == -1_000_000_000_500


def test_chats_go_in_parallel(world: Simulator, hook: Hook) -> None:
    both = threading.Barrier(2)  # passed only when two deliveries are under way at once

    def answer(received: Received) -> Response:
        both.wait(5)
        return Response()

    hook.answer = answer
    assert settled(world, world.telegram.say(ANA, "one"), world.telegram.say(BOB, "two"))
    assert {received.update["message"]["chat"]["id"] for received in hook.received} == {ANA, BOB}
