"""`validate` names what is broken, by the lines that depend on it and no others, and is green afterwards.

One instance without any key. Each test breaks one thing on purpose, and mends it.
"""

import json
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from khronos.management.validation.inside import TICK_S
from khronos.resilience.identity import session_members
from tests.acceptance.instance import NAMES, Instance, eventually, instance
from tests.cluster import Cluster

PARTS = [
    "process", "health", "ready", "metrics", "bus", "canary", "beat", "backup", "logs", "alerts",
    "checks", "message",
]  # fmt: skip
MOST_S = 20.0
WELL_S = 40.0
FIRST_DUMP_S = 100.0  # beat looks every half a minute whether one is due

# What stands still: lines that must be red, and lines that may be, sooner or later.
FROZEN = {
    "web": ({"process", "health", "ready", "metrics", "message"}, set[str]()),
    "dispatcher": ({"process", "bus", "message"}, {"checks", "ready"}),
    "agent": ({"process", "canary", "message"}, {"checks", "ready"}),
    "worker": ({"process", "canary", "checks"}, {"ready"}),
    "beat": ({"process", "beat"}, {"checks"}),
    "flower": ({"process"}, set[str]()),
    "embedder": ({"process"}, set[str]()),
    "litestream": ({"process", "backup"}, {"checks"}),
    "valkey": ({"process", "ready", "bus", "canary", "beat", "checks", "message"}, {"backup"}),
}
QUICK = ("dispatcher", "flower", "litestream")


@pytest.fixture(scope="module")
def khronos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with instance(tmp_path_factory.mktemp("validated") / "home", SILENCE_S="600") as it:
        it.start()
        it.running(NAMES)
        until_well(it)
        yield it


def lines(it: Instance, **env: str) -> dict[str, dict[str, Any]]:
    """What `validate` says, by part; its exit code must say the same. It waits for nobody for long."""
    it.env |= env
    try:
        result = it.manage("validate", "--json")
    finally:
        for name in env:
            del it.env[name]
    said = json.loads(result.stdout)
    assert result.returncode == (0 if said["ok"] else 1), result.stderr
    assert [line["name"] for line in said["parts"]] == PARTS
    *at_once, last = [line["took_ms"] / 1000 for line in said["parts"]]  # a start may last on a busy machine
    assert max(at_once) + last < MOST_S, result.stdout
    return {line["name"]: line for line in said["parts"]}


def red(it: Instance, **env: str) -> dict[str, dict[str, Any]]:
    found = {name: line for name, line in lines(it, **env).items() if not line["ok"]}
    assert all(line["fix"] for line in found.values())
    return found


def until_well(it: Instance, patience_s: float = WELL_S) -> None:
    last: dict[str, Any] = {}

    def is_well() -> bool:
        last.clear()
        last.update(red(it))
        return not last

    try:
        eventually(is_well, patience_s, "green again")
    except AssertionError:
        raise AssertionError(f"not green again: {last}") from None


def assert_named(found: dict[str, dict[str, Any]], must: set[str], may: set[str]) -> None:
    assert must <= set(found) <= must | may, found


@contextmanager
def frozen(it: Instance, name: str) -> Iterator[None]:
    """The process with all its children, as a debugger or a full disk of swap would leave them."""
    leader = it.ps()[name]["pid"]
    pids = [process.pid for _session, process in session_members([leader])]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_all_is_well_without_any_key(khronos: Instance) -> None:
    found = lines(khronos)
    assert all(line["ok"] for line in found.values())
    assert "answered after" in found["message"]["detail"]
    assert found["process"]["detail"].startswith(f"{len(NAMES)} run")


def test_one_line_a_part_for_people(khronos: Instance) -> None:
    result = khronos.manage("validate")
    said = result.stdout.splitlines()
    assert [line.split()[:2] for line in said[:-1]] == [["✅", name] for name in PARTS]
    assert said[-1].startswith("All is well (")
    assert (result.returncode, result.stderr) == (0, "")


def test_the_question_leaves_one_contact_that_says_what_it_is(khronos: Instance) -> None:
    lines(khronos)  # the second at least: it was asked until all was well
    with closing(sqlite3.connect(f"file:{khronos.home}/khronos.sqlite3?mode=ro", uri=True)) as database:
        contacts = database.execute("SELECT name FROM khronos_contact").fetchall()
        conversations = database.execute("SELECT state FROM khronos_conversation").fetchall()
    assert contacts == [("Khronos' own check (make validate)",)]
    assert conversations == [("closed",)]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in FROZEN]
)
def test_what_stands_still_is_named_where_it_matters(khronos: Instance, name: str) -> None:
    with frozen(khronos, name):
        if name == "beat":
            time.sleep(TICK_S + 1)  # its last sign of life counts for so long, in whole seconds
        found = red(khronos)
    assert_named(found, *FROZEN[name])
    assert name in found["process"]["detail"]
    until_well(khronos)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "worker" else pytest.mark.slow) for name in FROZEN]
)
def test_a_killed_process_is_well_again_and_said_to_be_young(khronos: Instance, name: str) -> None:
    os.kill(khronos.ps()[name]["pid"], signal.SIGKILL)
    until_well(khronos)
    assert f"{name} " in lines(khronos)["process"]["detail"].partition("just started again")[2]


def test_a_wrong_token_is_named_by_metrics_alone(khronos: Instance) -> None:
    found = red(khronos, METRICS_TOKEN="wrong")
    assert_named(found, {"metrics"}, set())
    assert "METRICS_TOKEN" in found["metrics"]["detail"]


def test_a_full_disk_of_logs_is_named_by_logs_alone(khronos: Instance) -> None:
    combined = khronos.home / "logs" / "combined.log"
    kept = combined.with_name("kept")
    combined.rename(kept)
    combined.symlink_to("/dev/full")
    found = red(khronos)
    combined.unlink()
    kept.rename(combined)
    assert_named(found, {"logs"}, set())
    assert "No space left" in found["logs"]["detail"]
    until_well(khronos)


def test_an_open_alert_is_named_by_alerts_alone(khronos: Instance) -> None:
    raised = "from khronos.alerts import raise_alert; raise_alert('test.grave', 'error', 'The roof is off.')"
    ended = "from khronos.alerts import resolve_alert; resolve_alert('test.grave')"
    shell = ("manage.py", "shell", "--no-imports", "-c")
    assert khronos.python(*shell, raised).returncode == 0
    found = red(khronos)
    assert khronos.python(*shell, ended).returncode == 0
    assert_named(found, {"alerts"}, set())
    assert "The roof is off." in found["alerts"]["detail"]
    until_well(khronos)


@pytest.mark.slow
def test_a_locked_database_is_named_where_it_is_written(khronos: Instance) -> None:
    with closing(sqlite3.connect(khronos.home / "khronos.sqlite3", isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        found = red(khronos)
        database.execute("ROLLBACK")
    assert_named(found, {"ready", "canary", "checks", "message"}, {"bus", "beat", "backup"})
    until_well(khronos)


@pytest.mark.slow
def test_a_frozen_postgresql_is_named_in_time(tmp_path: Path) -> None:
    """There is no litestream then: it is copied by dumps."""
    with Cluster.made() as cluster, instance(tmp_path / "home", **cluster.env) as it:
        it.start()
        it.running(NAMES - {"litestream"})
        until_well(it, FIRST_DUMP_S)
        assert lines(it)["backup"]["detail"].startswith("copied ")
        cluster.freeze()
        try:
            found = red(it)
        finally:
            cluster.thaw()
        assert_named(
            found, {"ready", "canary", "alerts", "checks", "message"}, {"bus", "beat", "backup", "metrics"}
        )
        until_well(it)


def test_what_is_not_running_is_told_how_to_start(tmp_path_factory: pytest.TempPathFactory) -> None:
    with instance(tmp_path_factory.mktemp("nothing") / "home") as it:
        result = it.manage("validate")
        assert result.returncode == 1
        assert "not running" in result.stdout
        assert "make up" in result.stdout
        assert json.loads(it.manage("validate", "--json").stdout)["ok"] is False
        assert "não está rodando" in it.manage("validate", "--lang", "pt-br").stdout


def test_a_message_that_waits_is_told_with_its_reason(khronos: Instance) -> None:
    assert khronos.manage("pause", "channel", "chat").returncode == 0
    try:
        found = red(khronos)
    finally:
        khronos.manage("resume", "channel", "chat")
    assert list(found) == ["message"]
    assert "Not answered yet. Paused for " in found["message"]["detail"]
    until_well(khronos)
