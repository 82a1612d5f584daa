"""SIGTERM in the middle of work: what is in hand is finished, the rest goes on after the next start."""

import signal
from collections import Counter

import pytest

from tests.acceptance.stage import Stage, clean, exact, figures

ROLLED = ("web", "dispatcher", "agent", "worker", "beat")


def farewells(stage: Stage) -> Counter[str]:
    """How often each process has taken its last step."""
    return Counter({name: text.count('"7/7 ') for name, text in stage.khronos.logs().items()})


def roll(stage: Stage, *names: str) -> None:
    """Stop one after the other, each when the one before is back."""
    before, restarts = farewells(stage), stage.restarts()
    gone = [stage.khronos.said().count(f"{name} died (exit code 0)") for name in names]
    for name in names:
        stage.khronos.wait_back(name, stage.khronos.kill(name, signal.SIGTERM))
    assert farewells(stage) - before == Counter(names)
    assert [stage.khronos.said().count(f"{name} died (exit code 0)") for name in names] == [
        count + 1 for count in gone
    ]
    assert stage.restarts() == restarts + len(names)


def roll_under_load(stage: Stage) -> None:
    stage.world.models.think(0.3)
    stage.play(20, 20, arrival="paced", rate=25)
    stage.after(25)
    roll(stage, *ROLLED)
    assert figures(stage.finish(60)) == exact(400)
    assert stage.troubles() == clean()


def test_restart_in_the_middle_of_a_burst_loses_and_repeats_nothing(stage: Stage) -> None:
    stage.world.models.think(0.3)
    stage.play(20, 10, arrival="paced", rate=100)
    stage.after(60)
    assert stage.khronos.terminate() == 0
    assert stage.khronos.all_processes() == []
    stage.khronos.start()
    assert figures(stage.finish(90)) == exact(200)
    assert stage.troubles() == clean()


def test_second_signal_does_not_break_the_stop(stage: Stage) -> None:
    stage.world.models.think(1.0)
    stage.play(10, 2)
    stage.after(20)
    assert stage.khronos.process is not None
    stage.khronos.process.terminate()
    stage.khronos.process.terminate()
    assert stage.khronos.terminate() == 0
    stage.khronos.start()
    assert figures(stage.finish(60)) == exact(20)
    assert stage.troubles() == clean()


@pytest.mark.slow
def test_turn_longer_than_the_patience_of_a_stop_is_answered_afterwards(stage: Stage) -> None:
    stage.world.models.think(20.0)
    stage.play(5, 1)
    stage.thinking(5)
    assert stage.khronos.terminate() == 0
    stage.world.models.think(0.1)
    stage.khronos.start()
    assert figures(stage.finish(90)) == exact(5)
    assert stage.troubles() == clean()


def test_rolling_restart_under_load_loses_and_repeats_nothing(stage: Stage) -> None:
    """In the mode that could say a thing twice."""
    roll_under_load(stage)


@pytest.mark.slow
def test_rolling_restart_in_edit_mode_loses_and_repeats_nothing(editing: Stage) -> None:
    roll_under_load(editing)


def test_rolling_restart_of_the_poller_loses_and_repeats_nothing(polling: Stage) -> None:
    polling.world.models.think(0.1)
    polling.play(10, 15, arrival="paced", rate=25)
    polling.after(20)
    roll(polling, "poller")
    assert figures(polling.finish(60)) == exact(150)
    assert polling.count("update") == 150
    assert polling.troubles() == clean()


def test_requests_in_hand_of_a_stopping_web_server_are_stored_once(stage: Stage) -> None:
    stage.play(40, 5)
    stage.after(20)
    roll(stage, "web")
    assert figures(stage.finish(60)) == exact(200)
    assert stage.count("update") == 200
    assert stage.troubles() == clean()


@pytest.mark.slow
def test_turn_that_a_stopping_agent_gives_back_is_answered_by_its_next_life(stage: Stage) -> None:
    stage.world.models.think(20.0)
    stage.play(5, 1)
    stage.thinking(5)
    pid = stage.khronos.kill("agent", signal.SIGTERM)
    stage.world.models.think(0.1)
    stage.khronos.wait_back("agent", pid)
    assert "3/7 jobs in hand: 0 finished, 5 left" in stage.khronos.logs()["agent"]
    assert figures(stage.finish(20)) == exact(5)
    assert stage.troubles() == clean()
