"""The model is away or refuses us: turns wait, people are told once, and answered when it is back."""

import time

import pytest

from bench.patience import until
from tests.acceptance.stage import Stage, clean, exact, figures

PARKED = "state = 'parked'"


@pytest.mark.parametrize(
    "outage_s", [9, pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(240)])]
)
def test_outage_of_the_model_parks_tells_once_and_answers_all(stage: Stage, outage_s: float) -> None:
    outage = stage.world.models.fail(status=529)
    began = time.monotonic()
    stage.play(10, 3)
    assert until(lambda: stage.count("turn", PARKED) == 10, 30)
    time.sleep(max(0.0, began + outage_s - time.monotonic()))
    assert until(lambda: all(answers(stage)), 30)
    notices = answers(stage)
    assert [len(each) for each in notices] == [1] * 10
    assert figures(stage.world.verdict())["answered"] == 0
    asked, lasted_s = outage.hits, time.monotonic() - began
    stage.world.models.heal()
    assert figures(stage.finish(outage_s + 60)) == exact(30)
    assert [each[0] for each in answers(stage)] == [each[0] for each in notices]
    assert stage.world.verdict().repeated_notices == 0
    assert asked <= 10 * (2 + lasted_s / 5)
    assert stage.troubles() == clean()


def test_wrong_key_parks_alerts_once_and_asks_no_more(stage: Stage) -> None:
    stage.world.models.require_keys(["another"])
    stage.play(5, 1)
    assert until(lambda: stage.count("turn", PARKED) == 5, 30)
    refused = len(stage.world.models.calls())
    stage.play(5, 1)
    assert until(lambda: stage.count("turn", PARKED) == 10, 30)
    assert refused == 5
    assert len(stage.world.models.calls()) == 10
    query = "SELECT text, resolved_at FROM khronos_alert WHERE name = 'provider.anthropic.unauthorized'"
    ((text, resolved_at),) = stage.khronos.sql(query)
    assert "anthropic refuses our key" in text
    assert resolved_at is None
    stage.world.models.require_keys([])
    stage.khronos.restart()
    assert figures(stage.finish()) == exact(10)
    assert stage.khronos.sql(query)[0][1] is not None
    assert stage.troubles() == clean()


def answers(stage: Stage) -> list[list[str]]:
    return [stage.world.telegram.answers(chat.chat_id) for chat in stage.world.telegram.chats()]
