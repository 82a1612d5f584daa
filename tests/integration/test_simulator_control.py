"""The whole simulator: a bot is talked to, judged, and the same can be ordered over HTTP."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from bench.simulator import Simulator
from bench.simulator.client import BotClient, Hook, Received, Response
from bench.simulator.conversations import write
from bench.simulator.remote import Remote

ANA = 1001


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator.start() as simulator:
        yield simulator


class NaiveBot:
    """Answers each delivery at once, by asking the model; knows nothing of duplicates."""

    def __init__(self, url: str, token: str) -> None:
        self._model = url
        self._client = BotClient(url, token)
        self._seen: set[int] = set()
        self._lock = threading.Lock()
        self.careful = False

    def __call__(self, received: Received) -> Response:
        update = received.update
        with self._lock:
            known = update["update_id"] in self._seen
            self._seen.add(update["update_id"])
        if not (known and self.careful):
            message = update["message"]
            self._client.call("sendMessage", chat_id=message["chat"]["id"], text=self._ask(message["text"]))
        return Response()

    def _ask(self, text: str) -> str:
        body = {
            "model": "claude-sonnet-5-5",
            "max_tokens": 99,
            "messages": [{"role": "user", "content": text}],
        }
        headers = {"x-api-key": "k", "anthropic-version": "2023-06-01", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._model}/v1/messages", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            return str(json.load(response)["content"][0]["text"])


@pytest.fixture
def bot(sim: Simulator) -> Iterator[NaiveBot]:
    naive = NaiveBot(sim.url, sim.telegram.token)
    with Hook(naive) as hook:
        sim.telegram.set_webhook(hook.url)
        yield naive


def test_a_good_bot_is_found_good(sim: Simulator, bot: NaiveBot) -> None:
    performance = sim.play(write(5, 4, arrival="random", rate=400.0))
    assert sim.wait_until(lambda: performance.settled)
    verdict = sim.verdict()
    assert verdict.good, verdict.table()
    assert (verdict.accepted, verdict.answered, verdict.deliveries) == (20, 20, 20)
    assert sim.telegram.ledger.violations["chat"] >= 5


def test_a_bot_that_knows_no_duplicates_is_found_out(sim: Simulator, bot: NaiveBot) -> None:
    sim.telegram.deliver(copies=2)
    performance = sim.play(write(2, 2))
    assert sim.wait_until(lambda: performance.settled)
    assert sorted(sim.verdict().repeated) == ["[c01-m01]", "[c01-m02]", "[c02-m01]", "[c02-m02]"]


def test_a_careful_bot_stands_duplicates(sim: Simulator, bot: NaiveBot) -> None:
    bot.careful = True
    sim.telegram.deliver(copies=3, together=True)
    performance = sim.play(write(3, 2))
    assert sim.wait_until(lambda: performance.settled)
    assert sim.verdict().good
    assert sim.verdict().deliveries == 18


def test_a_bot_that_accepts_and_forgets_is_found_out(sim: Simulator) -> None:
    with Hook() as hook:
        sim.telegram.set_webhook(hook.url)
        performance = sim.play(write(1, 2))
        assert sim.wait_until(lambda: performance.settled)
    assert sim.verdict().lost == ["[c01-m01]", "[c01-m02]"]


def test_the_ledgers_are_readable_after_the_stop() -> None:
    with Simulator.start() as sim:
        sim.telegram.say(ANA, "hello")
    assert [message.text for message in sim.telegram.view(ANA)] == ["hello"]
    assert len(sim.telegram.updates()) == 1
    sim.stop()


def test_a_taken_port_is_an_error(sim: Simulator) -> None:
    with pytest.raises(OSError, match="address already in use"):
        Simulator.start(port=int(sim.url.rsplit(":", 1)[1]))


@pytest.fixture(scope="module")
def remote() -> Iterator[Remote]:
    with Remote.spawn() as spawned:
        yield spawned


@pytest.fixture
def far(remote: Remote) -> Remote:
    remote.call("reset")
    return remote


def bot_of(remote: Remote, number: int) -> BotClient:
    token = f"{number}:remote"
    remote.call("telegram/add_bot", token=token, username="far_bot")
    return BotClient(remote.url, token)


def test_a_process_of_its_own_takes_orders(far: Remote) -> None:
    client = bot_of(far, 7)
    update = far.call("telegram/say", chat_id=ANA, text="hello")
    assert (update["state"], update["text"]) == ("pending", "hello")
    assert client.call("sendMessage", chat_id=ANA, text="hi")[0] == 200
    assert far.call("telegram/answers", chat_id=ANA) == ["hi"]
    screen = far.call("telegram/view", chat_id=ANA)
    assert [(message["from_bot"], message["text"]) for message in screen] == [(False, "hello"), (True, "hi")]
    assert [call["outcome"] for call in far.call("telegram/calls", method="sendMessage")] == ["ok"]
    far.call("telegram/fail", kind="status", status=429, retry_after=2, count=1)
    assert client.call("sendMessage", chat_id=ANA, text="x")[0] == 429


def test_a_whole_performance_by_http(far: Remote) -> None:
    bot_of(far, 8)
    with Hook() as hook:
        far.call("telegram/set_webhook", url=hook.url, secret="s")
        assert far.call("play", chats=2, messages=2, arrival="burst") == {"lines": 4}
        assert hook.wait(4)
    assert far.call("verdict")["sent"] == 4
    assert far.call("stats")["updates"]


def test_files_and_raw_bytes_by_http(far: Remote) -> None:
    client = bot_of(far, 9)
    far.call("telegram/voice", chat_id=ANA, sound="spoken")
    request = urllib.request.Request(f"{far.url}/_sim/telegram/push_raw?chat_id=5", data=b"\xff\xfe{")
    with urllib.request.urlopen(request, timeout=5) as response:
        assert json.load(response)["kind"] == "raw"
    updates: Any = client.call("getUpdates", limit=1)[1]["result"]
    file_id = updates[0]["message"]["voice"]["file_id"]
    path = client.call("getFile", file_id=file_id)[1]["result"]["file_path"]
    assert client.send(f"/file/bot9:remote/{path}", None) == (200, b"spoken")


def test_reads_are_links_too(far: Remote) -> None:
    bot_of(far, 10)
    far.call("telegram/say", chat_id=ANA, text="hello")
    with urllib.request.urlopen(f"{far.url}/_sim/telegram/view?chat_id={ANA}", timeout=5) as response:
        assert json.load(response)[0]["text"] == "hello"


@pytest.mark.parametrize(
    ("action", "arguments", "words"),
    [
        ("telegram/sya", {}, "no such action"),
        ("telegram/say", {"chat_id": 1}, "missing"),
        ("telegram/fail", {"kind": "flood"}, "unknown fault"),
        ("models/think", {"seconds": 1, "minutes": 2}, "unexpected"),
    ],
)
def test_wrong_orders_are_explained(
    far: Remote, action: str, arguments: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        far.call(action, **arguments)


def test_models_take_orders_by_http(far: Remote) -> None:
    far.call("models/reply", answer="forty-two", when="life")
    bot = NaiveBot(far.url, "1:x")
    assert bot._ask("what is life?") == "forty-two"
    assert bot._ask("what is life?") == "You said: what is life?"
    calls = far.call("models/calls")
    assert [call["answer"] for call in calls] == ["forty-two", "You said: what is life?"]


def test_a_server_that_is_down_refuses_and_comes_back(sim: Simulator) -> None:
    client = BotClient(sim.url, sim.telegram.token)
    sim.telegram.open_chat(ANA)
    sim.go_down()
    with pytest.raises(ConnectionRefusedError):
        client.call("getMe")
    sim.come_back()
    assert client.call("sendMessage", chat_id=ANA, text="back")[0] == 200
    assert sim.telegram.answers(ANA) == ["back"]
