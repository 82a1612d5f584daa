"""kill -9 at every step between store and sent: a process dies at each of its points once (docs/chaos.md)."""

from collections.abc import Iterator
from itertools import zip_longest

import pytest

from bench.patience import until
from bench.simulator.conversations import Performance
from bench.simulator.verdict import MARKER, Verdict
from khronos.delivery.send import PLACEHOLDER
from khronos.resilience.crashpoints import POINTS
from tests.acceptance.conftest import EDIT, house
from tests.acceptance.stage import Stage, clean, exact, figures

BY_FILE = {"KHRONOS_CRASH_AT": "@next"}  # one instance goes through all points, one after another
CHATS, MESSAGES = 4, 4
SAID = CHATS * MESSAGES
BACK_S = 30.0
NO_LEASE_S = 28.0  # leases and locks end after 30 s: nobody waits for those of the dead
# Passed only when something goes wrong outside: each is ordered together with that.
MODEL_REFUSES = ("turn.parking", "turn.parked")
TELEGRAM_STUMBLES = ("delivery.put_off", "delivery.claimed", "sweep.rung")
SEND_ALONE = ("delivery.sending",)
# Passed by who was granted tools; tests/integration/test_tool_crashes.py dies at each.
WITH_TOOLS = ("tools.asked", "tools.kept", "tool.running", "tool.called", "tools.done")
# Passed by who is sent a file; tests/acceptance/test_media.py dies there.
WITH_FILES = ("media.piece",)
# Passed by the first question of who has no queue yet; tests/integration/test_triage.py dies there.
WITH_TRIAGE = ("triage.decided",)
ELSEWHERE = WITH_TOOLS + WITH_FILES + WITH_TRIAGE
# Not passed more often in every play; at the others a process dies in the middle of one.
ONCE_A_PLAY = ("relay.marked", "turn.next_rung", *MODEL_REFUSES, *TELEGRAM_STUMBLES)
# What a death leaves in somebody's hands: claimed, and neither done nor given back.
IN_HAND = " UNION ALL ".join(
    f"SELECT id FROM khronos_{noun} WHERE due_at IS NOT NULL AND attempts > deferrals"
    for noun in ("turn", "delivery")
)


@pytest.fixture
def sweeping() -> Stage:
    return house.open(env=EDIT | BY_FILE)


@pytest.fixture
def sending() -> Stage:
    return house.open(env=BY_FILE)


def rounds() -> Iterator[tuple[str, ...]]:
    """A process each, so that several die in one play; all points but those of the other mode."""
    yield TELEGRAM_STUMBLES
    left = [point for point in POINTS if point not in TELEGRAM_STUMBLES + SEND_ALONE + ELSEWHERE]
    of_each = [[point for point in left if POINTS[point] == name] for name in ("agent", "dispatcher", "web")]
    for together in zip_longest(*of_each):
        yield tuple(filter(None, together))


def die_at(
    stage: Stage, points: tuple[str, ...], *, chats: int = CHATS, rate: float = 20, passing: int = 3
) -> Performance:
    """A play in the middle of which each point's process dies there, and comes back by itself."""
    seats = {point: "web.child" if POINTS[point] == "web" else POINTS[point] for point in points}
    pids = {point: stage.khronos.pid(seat) for point, seat in seats.items()}
    folder = stage.khronos.home.run / "crashes"
    folder.mkdir(exist_ok=True)
    orders = [f"{point}:{1 if point in ONCE_A_PLAY else passing}" for point in points]
    (folder / "next").write_text(" ".join(orders))
    performance = stage.play(chats, SAID // chats, arrival="paced", rate=rate)
    until(lambda: all((folder / point).exists() for point in points), BACK_S)
    died = {point: (folder / point).read_text() for point in points if (folder / point).exists()}
    assert died == {point: str(pid) for point, pid in pids.items()}
    for point, seat in seats.items():
        stage.khronos.wait_back(seat, pids[point])
    return performance


def canary(stage: Stage) -> Performance:
    """Somebody who has never written asks, and is answered: all are at work again."""
    asked = stage.play(1, 1)

    def is_answered() -> bool:
        screens = stage.world.telegram.screens().values()
        said = [message.text for screen in screens for message in screen if message.from_bot]
        return asked.said and all(any(marker in text for text in said) for marker in asked.updates)

    assert until(is_answered, BACK_S), "nobody answers any more"
    return asked


def placeholders(stage: Stage, chats: set[int]) -> int:
    """Those that stay on the screens of these chats."""
    screens = stage.world.telegram.screens().items()
    shown = [message for (_token, chat), screen in screens if chat in chats for message in screen]
    return sum(message.text == PLACEHOLDER for message in shown)


def blame(verdict: Verdict, plays: dict[tuple[str, ...], Performance]) -> dict[tuple[str, ...], list[str]]:
    """What went wrong, by the points of its play."""
    wrong = {*verdict.lost, *verdict.repeated, *verdict.out_of_order, *verdict.misdirected}
    found = {points: sorted(wrong & play.updates.keys()) for points, play in plays.items()}
    return {points: markers for points, markers in found.items() if markers}


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_death_at_any_point_loses_and_repeats_nothing_in_edit_mode(sweeping: Stage) -> None:
    sweeping.world.models.think(0.3)  # longer than from one message of a chat to its next: turns pile up
    plays, canaries = {}, []
    for points in rounds():
        if points == TELEGRAM_STUMBLES:
            sweeping.world.telegram.fail(status=502, method="editMessageText", count=3)
        if set(points) & set(MODEL_REFUSES):
            sweeping.world.models.fail(status=529, retry_after=1, count=1)
        plays[points] = die_at(sweeping, points)
        canaries.append(canary(sweeping))
        # Who kills three workers is poison; so nobody dies of the same work as the one before.
        assert until(lambda: not sweeping.khronos.sql(IN_HAND), BACK_S), points
    verdict = sweeping.finish()
    assert blame(verdict, plays) == {}
    assert figures(verdict) == exact(SAID * len(plays) + len(canaries))
    assert verdict.longest_wait < NO_LEASE_S
    assert sweeping.troubles() == clean()
    assert sweeping.count("message", "author = 'system'") == 1  # told once that it is parked
    assert {point for points in plays for point in points} == POINTS.keys() - set(SEND_ALONE + ELSEWHERE)
    doubled = next(play for points, play in plays.items() if "delivery.placed" in points)
    assert placeholders(sweeping, {update.chat_id for update in doubled.updates.values()}) > 0


@pytest.mark.parametrize(
    ("point", "doubtful", "repeated"),
    [
        pytest.param("answer.written", 0, 0, marks=pytest.mark.slow),
        pytest.param("turn.answered", 1, 0, marks=pytest.mark.slow),  # nobody can know that it was not sent
        pytest.param("delivery.begun", 1, 0, marks=pytest.mark.slow),
        pytest.param("delivery.sending", 1, 0, marks=pytest.mark.slow),
        ("delivery.shown", 1, 1),
        pytest.param("delivery.written", 1, 1, marks=pytest.mark.slow),
        pytest.param("delivery.settled", 0, 0, marks=pytest.mark.slow),
    ],
)
def test_death_in_send_mode_repeats_only_what_is_marked_as_doubtful(
    sending: Stage, point: str, doubtful: int, repeated: int
) -> None:
    """One chat, so that one message is on its way at a time: the figures are exact."""
    sending.world.models.think(0.15)
    since = sending.khronos.sql("SELECT coalesce(max(id), 0) FROM khronos_delivery")[0]
    die_at(sending, (point,), chats=1, rate=8, passing=2)
    verdict = sending.finish()
    rows = sending.khronos.sql("SELECT text FROM khronos_delivery WHERE id > ? AND doubtful", *since)
    in_doubt = [marker for (text,) in rows for marker in MARKER.findall(text)]
    assert figures(verdict) == exact(SAID, repeated=in_doubt if repeated else [])
    assert verdict.longest_wait < NO_LEASE_S
    assert sending.troubles() == clean(doubtful_deliveries=doubtful)
