"""kill -9 in the middle of work: nothing is lost; a repeat has one window only, and is known."""

import os
import signal
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress

import pytest

from bench.patience import until
from bench.simulator.verdict import MARKER
from tests.acceptance.conftest import EDIT, SHORT_LEASES, house
from tests.acceptance.stage import Stage, clean, exact, figures

PROCESSES = ("web.child", "dispatcher", "worker", "valkey")
LESS_URGENT = ("web", "beat", "flower", "litestream")
LEASE_S = 15  # the longest of the short ones
BACK_S = 15  # a killed worker is started again, and frees what its last life held


@pytest.mark.parametrize(
    "name", [*PROCESSES, *(pytest.param(name, marks=pytest.mark.slow) for name in LESS_URGENT)]
)
def test_killed_process_costs_nothing(editing: Stage, name: str) -> None:
    editing.world.models.think(0.2)
    editing.play(15, 6, arrival="paced", rate=60)
    editing.after(30)
    editing.khronos.wait_back(name, editing.khronos.kill(name))
    assert figures(editing.finish(60)) == exact(90)
    assert editing.troubles() == clean()


@pytest.mark.slow
def test_killed_agent_waits_for_no_lease_and_repeats_nothing_in_edit_mode(editing: Stage) -> None:
    editing.world.models.think(0.2)
    editing.play(15, 6, arrival="paced", rate=60)
    editing.after(45)
    editing.khronos.wait_back("agent", editing.khronos.kill("agent"))
    verdict = editing.finish()
    assert figures(verdict) == exact(90)
    assert verdict.longest_wait < BACK_S
    assert editing.troubles() == clean()


@pytest.mark.slow
def test_agent_frozen_beyond_its_lease_changes_nothing_when_it_wakes() -> None:
    pair = house.open(env=EDIT | SHORT_LEASES | {"AGENT_PROCESSES": "2"})
    pair.world.models.think(0.2)
    pair.play(15, 6, arrival="paced", rate=60)
    pair.after(45)
    pair.thinking(2)
    frozen = freeze_between_commits(pair)
    held = pair.count("turn", "state = 'working'")
    assert held > 0
    assert figures(pair.finish(LEASE_S + 30)) == exact(90)
    os.kill(frozen, signal.SIGCONT)
    assert until(lambda: "lease lost" in pair.khronos.logs()["agent"], 30)
    assert figures(pair.finish()) == exact(90)
    assert pair.khronos.pid("agent") == frozen
    assert pair.troubles() == clean()


def freeze_between_commits(pair: Stage) -> int:
    """Frozen amid a commit it keeps SQLite's only pen from everybody, until the supervisor ends it."""
    for _ in range(20):
        pid = pair.khronos.kill("agent", signal.SIGSTOP)
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(pair.khronos.database, 1)) as other:
            other.execute("BEGIN IMMEDIATE")
            return pid
        os.kill(pid, signal.SIGCONT)
    raise AssertionError("the agent was amid a commit each time")


@pytest.mark.slow
def test_killed_supervisor_is_replaced_by_a_new_start(editing: Stage) -> None:
    editing.world.models.think(0.2)
    editing.play(15, 6, arrival="paced", rate=60)
    editing.after(45)
    editing.khronos.kill("supervisor")
    assert editing.khronos.process is not None
    assert editing.khronos.process.wait(10) == -signal.SIGKILL
    editing.khronos.start()
    assert figures(editing.finish()) == exact(90)
    assert editing.troubles() == clean()


def test_power_cut_of_everything_at_once_loses_and_repeats_nothing(editing: Stage) -> None:
    editing.world.models.think(0.2)
    editing.play(15, 6, arrival="paced", rate=60)
    editing.after(45)
    for process in editing.khronos.all_processes():
        process.kill()
    assert editing.khronos.process is not None
    editing.khronos.process.wait(10)
    editing.khronos.start()
    assert figures(editing.finish()) == exact(90)
    assert editing.troubles() == clean()


def test_agent_killed_while_it_sends_repeats_only_what_was_being_sent(stage: Stage) -> None:
    """Telegram shows three answers and does not say so; then the agent dies, and nobody can know."""
    lost = stage.world.telegram.fail("lost_hang", method="sendMessage", count=3)
    stage.world.models.think(0.2)
    stage.play(15, 4, arrival="paced", rate=60)
    assert stage.world.wait_until(lambda: lost.hits == 3)
    stage.after(40)
    agent = stage.khronos.kill("agent", signal.SIGSTOP)  # so that nothing moves between look and kill
    in_doubt = dict(stage.khronos.sql("SELECT id, text FROM khronos_delivery WHERE state = 'sending'"))
    os.kill(agent, signal.SIGKILL)
    stage.khronos.wait_back("agent", agent)
    verdict = stage.finish()
    doubtful = dict(stage.khronos.sql("SELECT id, text FROM khronos_delivery WHERE doubtful"))
    unsaid = [call.text for call in stage.world.telegram.calls() if call.outcome == "fault:lost_hang"]
    assert figures(verdict) == exact(60, repeated=verdict.repeated)
    assert markers(unsaid) <= set(verdict.repeated) <= markers(doubtful.values())
    assert doubtful.keys() <= in_doubt.keys()
    assert stage.troubles() == clean(doubtful_deliveries=len(doubtful))


def markers(texts: Iterable[str]) -> set[str]:
    return set(MARKER.findall(" ".join(texts)))
