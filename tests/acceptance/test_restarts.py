"""SIGTERM in the middle of work: what is in hand is finished, the rest goes on after the next start."""

import pytest

from tests.acceptance.stage import Stage, clean, exact, figures


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
