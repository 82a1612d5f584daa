"""Every way in which Telegram may fail, seen by people and the operator, in both modes (docs/delivery.md)."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bench.patience import until
from bench.simulator import Simulator
from tests.acceptance.conftest import EDIT, house, rows
from tests.acceptance.stage import Stage, clean, exact, figures
from tests.stopwatch import Stopwatch

ENV = {
    "TELEGRAM_TIMEOUT_S": "1",
    "TELEGRAM_BREAKER_REST_S": "1",
    "TELEGRAM_SPACING_MS": "2",  # none would leave 429 without a memory
}
PEOPLE = 6
HITS = 5  # so many failures open the breaker
STORM = 3  # refusals, each of which may be a pause of its own
SENT, PENDING, FAILED = "state = 'sent'", "state = 'pending'", "state = 'failed'"

type Order = Callable[[Simulator, str], Any]


def failing(kind: Any = "status", **order: Any) -> Order:
    return lambda world, method: world.telegram.fail(kind, method=method, **order)


@dataclass(frozen=True)
class Fault:
    """It befalls what shows the answer: `sendMessage`, or in edit mode `editMessageText`."""

    name: str
    order: Order
    is_doubtful: bool = True  # it may have been done: in send mode it is sent once more, and marked
    is_done: bool = False  # it was done: that once more is seen


FAULTS = [
    Fault("502 of a proxy", failing(status=502, count=HITS)),
    Fault("connections cut before the work", failing("reset", count=HITS)),
    Fault("a page for an answer", failing("page", count=HITS)),
    Fault("403 of a proxy", failing("page", status=403, count=HITS), is_doubtful=False),
    Fault("a time-out after the work", failing("lost_hang", count=HITS), is_done=True),
    Fault("garbage after the work", failing("garbled", count=HITS), is_done=True),
]


@dataclass
class Scene:
    stage: Stage
    anthropic: Simulator
    first: int
    method: str  # what shows an answer

    @property
    def chats(self) -> range:
        return range(self.first, self.first + PEOPLE)

    @property
    def edits(self) -> bool:
        return self.method == "editMessageText"

    def everybody_says(self, number: int) -> list[str]:
        return [self.stage.say(chat, number) for chat in self.chats]

    def calls(self, chat: int | None = None) -> int:
        return len(self.stage.world.telegram.calls(self.method, chat_id=chat))

    def placeholders(self) -> int:
        return len(self.stage.world.telegram.calls("sendMessage")) if self.edits else 0

    def deliveries(self, where: str) -> int:
        return self.stage.count("delivery", where)

    def comes_to(self, where: str, count: int, timeout: float = 15.0) -> bool:
        return until(lambda: self.deliveries(where) == count, timeout)

    def shown(self) -> list[list[str]]:
        return [self.stage.world.telegram.answers(chat) for chat in self.chats]

    def alerts(self) -> list[str]:
        """What stands open, of the channel."""
        query = "SELECT name FROM khronos_alert WHERE resolved_at IS NULL AND name LIKE 'channel.%'"
        return [name for (name,) in self.stage.khronos.sql(query)]

    def is_blocked(self, chat: int) -> bool:
        query = "SELECT is_blocked FROM khronos_contact WHERE external_id = ?"
        return bool(self.stage.khronos.sql(query, str(chat))[0][0])

    def everybody_hears(self, answer: str) -> None:
        self.anthropic.models.answer_with(lambda _: answer)

    def thinks(self) -> bool:
        return until(lambda: self.anthropic.models.loads["anthropic"].now == 1, 30)


firsts = itertools.count(201, 100)


@pytest.fixture(scope="module")
def anthropic() -> Iterator[Simulator]:
    """A server of its own: it goes on while Telegram is down."""
    with Simulator.start() as simulator:
        yield simulator


@pytest.fixture(scope="module", params=["send", "edit"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def scene(mode: str, anthropic: Simulator) -> Scene:
    env = ENV | (EDIT if mode == "edit" else {}) | {"ANTHROPIC_BASE_URL": anthropic.url}
    stage = house.open(env=env)
    anthropic.reset()
    return Scene(stage, anthropic, next(firsts), "editMessageText" if mode == "edit" else "sendMessage")


@pytest.mark.parametrize(
    "fault", rows(FAULTS, "502 of a proxy", "403 of a proxy", "a time-out after the work")
)
def test_fault_costs_time_and_at_most_one_marked_repeat(scene: Scene, fault: Fault) -> None:
    order = fault.order(scene.stage.world, scene.method)
    texts = scene.everybody_says(1)
    assert scene.comes_to(SENT, PEOPLE, 30)
    assert [set(answers) for answers in scene.shown()] == [{f"You said: {text}"} for text in texts]
    times = sorted(len(answers) for answers in scene.shown())
    repeats = HITS if fault.is_done and not scene.edits else 0
    assert times == [1] * (PEOPLE - repeats) + [2] * repeats
    assert (order.hits, scene.calls()) == (HITS, PEOPLE + HITS)
    assert scene.placeholders() == (PEOPLE if scene.edits else 0)
    doubtful = HITS if fault.is_doubtful and not scene.edits else 0
    assert until(lambda: scene.stage.troubles() == clean(doubtful_deliveries=doubtful), 10)


def test_storm_of_429_silences_the_bot_for_as_long_as_it_says(scene: Scene) -> None:
    order = failing(status=429, retry_after=3, count=STORM)(scene.stage.world, scene.method)
    with Stopwatch() as watch:
        scene.stage.play(40, 1)
        assert figures(scene.stage.finish()) == exact(40)
    in_flight_s = 1.0 + watch.stood_s
    calls = scene.stage.world.telegram.calls(scene.method)
    refused = [call.at for call in calls if not call.done]
    assert (order.hits, len(refused), len(calls)) == (STORM, STORM, 40 + STORM)
    pauses = [at for at in refused if not any(0 < later - at < 1.0 for later in refused)]
    assert not [call for call in calls for at in pauses if in_flight_s < call.at - at < 2.8]
    assert scene.stage.troubles() == clean()


def test_refused_connections_leave_answers_unsent_and_undoubted(scene: Scene) -> None:
    scene.stage.world.go_down()
    texts = scene.everybody_says(1)
    assert scene.comes_to(PENDING, PEOPLE)
    assert scene.stage.count("turn", "state = 'answered'") == PEOPLE
    assert scene.shown() == [[]] * PEOPLE
    scene.stage.world.come_back()
    with Stopwatch() as watch:
        assert figures(scene.stage.finish()) == exact(PEOPLE)
    assert watch.took_s < 8.0
    assert scene.shown() == [[f"You said: {text}"] for text in texts]
    assert scene.calls() == PEOPLE
    assert scene.stage.troubles() == clean()


def test_who_has_blocked_the_bot_is_left_in_peace_until_they_write(scene: Scene) -> None:
    blocker, world = scene.chats[0], scene.stage.world
    gone = world.telegram.fail(
        status=403,
        chat_id=blocker,
        method="sendMessage",
        description="Forbidden: bot was blocked by the user",
    )
    scene.everybody_hears("\n\n".join("word " * 700 for _ in range(3)))
    scene.everybody_says(1)
    assert scene.comes_to(FAILED, 3)
    assert scene.comes_to(SENT, 3 * (PEOPLE - 1))
    assert gone.hits == 1  # the other parts of the answer are not even tried
    assert [len(answers) for answers in scene.shown()] == [0] + [3] * (PEOPLE - 1)
    assert scene.stage.count("deadletter") == 0
    assert scene.is_blocked(blocker)
    world.heal()
    scene.everybody_hears("welcome back")
    scene.stage.say(blocker, 2)
    assert until(lambda: world.telegram.answers(blocker) == ["welcome back"], 15)
    assert not scene.is_blocked(blocker)


@pytest.mark.parametrize("words", ["chat not found", "message is too long"])
def test_what_telegram_will_never_take_ends_where_an_operator_reads_it(scene: Scene, words: str) -> None:
    order = failing(status=400, count=1, description=f"Bad Request: {words}")(scene.stage.world, scene.method)
    scene.everybody_says(1)
    assert scene.comes_to(FAILED, 1)
    assert scene.comes_to(SENT, PEOPLE - 1)
    assert (order.hits, scene.calls()) == (1, PEOPLE)
    assert scene.stage.count("deadletter", f"reason LIKE '%400 Bad Request: {words}'") == 1
    scene.everybody_says(2)
    assert scene.comes_to(SENT, 2 * PEOPLE - 1)
    assert until(lambda: scene.stage.troubles() == clean(failed_deliveries=1, dead_letters=1), 10)


def test_markup_that_telegram_refuses_is_shown_as_it_was_written(scene: Scene) -> None:
    refusal = "Bad Request: can't parse entities: byte offset 7"
    for chat in scene.chats:  # each once: the same words without markup pass
        failing(status=400, count=1, chat_id=chat, description=refusal)(scene.stage.world, scene.method)
    scene.everybody_hears("**bold** words")
    scene.everybody_says(1)
    assert scene.comes_to("state = 'sent' AND plain", PEOPLE)
    assert scene.shown() == [["**bold** words"]] * PEOPLE
    assert scene.calls() == 2 * PEOPLE


def test_long_answers_come_whole_and_in_order(scene: Scene) -> None:
    scene.everybody_hears("\n\n".join(f"{number} " + "word " * 700 for number in range(4)))
    scene.everybody_says(1)
    assert scene.comes_to(SENT, 4 * PEOPLE)
    assert [[part[0] for part in parts] for parts in scene.shown()] == [list("0123")] * PEOPLE
    assert scene.calls() == 4 * PEOPLE


def test_group_that_becomes_a_supergroup_is_followed(scene: Scene) -> None:
    world, group = scene.stage.world, -scene.first
    scene.anthropic.models.hold()
    world.telegram.say(group, f"@{world.telegram.bot().username} hi [c01-m01]", sender=scene.first)
    assert scene.thinks()
    world.telegram.migrate(group, group - 1_000_000_000_000)
    scene.anthropic.models.let_go()
    assert scene.comes_to(SENT, 1)
    [answer] = world.telegram.answers(group - 1_000_000_000_000)
    assert answer.endswith("hi [c01-m01]")
    assert world.telegram.answers(group) == []
    assert scene.deliveries("1") == 1


def test_token_that_is_refused_alerts_and_waits_for_the_next_start(scene: Scene) -> None:
    order = scene.stage.world.telegram.fail(status=401, description="Unauthorized")
    texts = scene.everybody_says(1)
    assert scene.comes_to("state = 'pending' AND reason LIKE '%401 Unauthorized'", PEOPLE)
    sends = [call.method for call in scene.stage.world.telegram.calls()].count("sendMessage")
    assert (sends, scene.shown()) == (PEOPLE, [[]] * PEOPLE)
    assert scene.alerts() == ["channel.default.unauthorized"]
    assert order.hits >= PEOPLE
    scene.stage.world.heal()
    scene.stage.khronos.restart()
    with Stopwatch() as watch:
        assert figures(scene.stage.finish()) == exact(PEOPLE)
    assert watch.took_s < 30.0  # not the five minutes between two tries
    assert scene.shown() == [[f"You said: {text}"] for text in texts]
    assert until(lambda: scene.alerts() == [], 15)
    assert scene.stage.troubles() == clean()
