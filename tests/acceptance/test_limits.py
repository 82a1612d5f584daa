"""The limits as they come, on a real instance: nobody is asked too often, and nothing is dropped for it."""

from itertools import pairwise

import pytest

from tests.acceptance.conftest import house
from tests.acceptance.stage import Stage, clean, exact, figures
from tests.stopwatch import Stopwatch

TELEGRAM = {
    "TELEGRAM_SPACING_MS": "35",
    "TELEGRAM_PER_SECOND": "30",
    "TELEGRAM_CHAT_SPACING_MS": "1000",
    "TELEGRAM_GROUP_PER_MINUTE": "20",
}
ANTHROPIC = {"ANTHROPIC_CONCURRENCY": "3"}
APART_S = 0.035
IN_FLIGHT = 8  # on their way before the first one's refusal is heard: at their pace 0.3 s


@pytest.fixture
def paced() -> Stage:
    return house.open(env=TELEGRAM | ANTHROPIC)


def sent_at(stage: Stage) -> list[float]:
    return sorted(call.at for call in stage.world.telegram.calls("sendMessage") if call.done)


def test_storm_leaves_at_the_pace_of_telegram_and_in_full(paced: Stage) -> None:
    paced.world.telegram.limit(enforced=False)
    with Stopwatch() as watch:
        paced.play(60, 1)
        assert figures(paced.finish()) == exact(60)
    assert paced.troubles() == clean()
    times = sent_at(paced)
    assert len(times) == 60
    assert times[-1] - times[0] > 59 * APART_S * 0.9 - watch.stood_s
    apart = sorted(later - earlier for earlier, later in pairwise(times))
    assert apart[len(apart) // 2] > APART_S / 2


def test_busy_chat_delays_nobody_else(paced: Stage) -> None:
    with Stopwatch() as watch:
        paced.play(1, 8, arrival="paced", rate=4)
        paced.play(10, 1)
        verdict = paced.finish()
    assert figures(verdict) == exact(18)
    busy = sorted(
        call.at
        for call in paced.world.telegram.calls("sendMessage")
        if call.chat_id == min(each.chat_id for each in paced.world.telegram.updates())
    )
    assert all(later - earlier > 0.9 - watch.stood_s for earlier, later in pairwise(busy))
    assert verdict.longest_wait < 8 + watch.stood_s
    assert paced.troubles() == clean()


def test_429_stops_the_whole_bot_for_as_long_as_it_says(paced: Stage) -> None:
    fault = paced.world.telegram.fail(status=429, method="sendMessage", retry_after=3, count=1)
    with Stopwatch() as watch:
        paced.play(30, 1)
        assert figures(paced.finish()) == exact(30)
    calls = paced.world.telegram.calls("sendMessage")
    refused = next(call for call in calls if not call.done)
    assert fault.hits == 1
    meanwhile = [call for call in calls if 0 < call.at - refused.at < 2.9]
    assert len(meanwhile) <= IN_FLIGHT + watch.stood_s / APART_S
    assert paced.troubles() == clean()


def test_no_more_questions_at_once_than_the_model_allows(paced: Stage) -> None:
    paced.world.models.limit("anthropic", per_minute=4000, concurrency=3)
    paced.world.models.think(0.2)
    paced.play(24, 1)
    assert figures(paced.finish()) == exact(24)
    assert paced.world.models.loads["anthropic"].most <= 3
    assert [call.outcome for call in paced.world.models.calls() if call.outcome != "ok"] == []
    assert paced.count("message", "author = 'system'") == 0  # a short wait is not told
    assert paced.troubles() == clean()
