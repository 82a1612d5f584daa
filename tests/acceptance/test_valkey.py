"""The broker is a doorbell: flushed, stopped or killed, it costs time and never a message."""

import shutil
import signal
import time

import pytest

from tests.acceptance.stage import Stage, clean, exact, figures


def test_flushes_in_the_middle_of_a_burst_cost_nothing(stage: Stage) -> None:
    stage.world.models.think(0.2)
    stage.play(20, 6, arrival="paced", rate=60)
    for accepted in (30, 60, 90):
        stage.after(accepted)
        with stage.khronos.redis() as client:
            client.flushall()
    assert figures(stage.finish(60)) == exact(120)
    assert stage.troubles() == clean()


def test_all_files_of_valkey_deleted_in_the_middle_of_a_burst_cost_nothing(stage: Stage) -> None:
    """It needs no backup: what it holds are rings and markers, and the database is asked again for both."""
    folder = stage.khronos.home.path / "valkey"
    stage.world.models.think(0.5)
    stage.play(20, 6, arrival="paced", rate=40)
    for accepted in (30, 70):
        stage.after(accepted)
        with stage.khronos.redis() as client:
            client.set("held", "by its files")
        stage.khronos.kill("valkey", signal.SIGSTOP)  # nothing is written any more
        assert [path for path in folder.rglob("*") if path.is_file()] != []
        shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
        stage.khronos.wait_back("valkey", stage.khronos.kill("valkey"))
        with stage.khronos.redis() as client:
            assert client.get("held") is None
    verdict = stage.finish(60)
    assert figures(verdict) == exact(120)
    assert verdict.longest_wait < 20  # no lock outlives it
    assert stage.troubles() == clean()


@pytest.mark.parametrize("outage_s", [10, pytest.param(30, marks=pytest.mark.slow)])
def test_messages_are_accepted_while_valkey_hangs_and_answered_when_it_is_back(
    stage: Stage, outage_s: float
) -> None:
    restarts = stage.restarts()
    stage.world.models.think(0.2)
    stage.play(20, 6, arrival="paced", rate=40)
    stage.after(30)
    stage.khronos.kill("valkey", signal.SIGSTOP)
    began = time.monotonic()
    stage.after(120)
    time.sleep(max(0.0, began + outage_s - time.monotonic()))
    assert figures(stage.world.verdict())["lost"] != []
    stage.khronos.kill("valkey", signal.SIGCONT)
    verdict = stage.finish(60)
    assert figures(verdict) == exact(120)
    assert verdict.longest_wait < outage_s + 20  # no lock outlives the outage
    assert stage.troubles() == clean()
    assert stage.restarts() == restarts


def test_valkey_killed_again_and_again_costs_nothing(stage: Stage) -> None:
    before = {row["name"]: row["restarts"] for row in stage.khronos.ps() if row["name"] != "valkey"}
    stage.world.models.think(0.2)
    stage.play(20, 6, arrival="paced", rate=30)
    for accepted in (30, 60, 90):
        stage.after(accepted)
        stage.khronos.wait_back("valkey", stage.khronos.kill("valkey"))
    verdict = stage.finish(60)
    assert figures(verdict) == exact(120)
    assert verdict.longest_wait < 20  # nobody dies of it, and no lock outlives it
    others = {row["name"]: row["restarts"] for row in stage.khronos.ps() if row["name"] != "valkey"}
    assert others == before
    assert stage.troubles() == clean()
