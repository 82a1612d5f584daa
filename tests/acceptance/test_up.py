"""`make up` and what belongs to it, with real processes that are killed for real."""

import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.acceptance.instance import NAMES, SOON_S, Instance, eventually, instance

KILLED = ("valkey", "web", "dispatcher", "agent", "embedder", "worker", "beat", "flower", "litestream")


@pytest.fixture(scope="module")
def khronos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One instance for the tests that leave it running."""
    with instance(tmp_path_factory.mktemp("khronos") / "home") as it:
        it.start()
        it.running(NAMES)
        yield it


def test_first_start_makes_what_is_missing_and_shows_the_password_once(khronos: Instance) -> None:
    assert khronos.screen.count("✓ Made the database") == 1
    assert khronos.screen.count("password") == 1
    assert khronos.screen.count("/login/") == 1
    assert stat.S_IMODE(khronos.home.stat().st_mode) == 0o700
    assert stat.S_IMODE((khronos.home / "secrets.env").stat().st_mode) == 0o600


def test_ps_shows_every_process_with_its_figures(khronos: Instance) -> None:
    rows = khronos.ps()
    assert set(rows) == NAMES
    for row in rows.values():
        assert set(row) == {"name", "pid", "state", "uptime_s", "rss_mb", "restarts"}
        assert row["state"] == "running"
        assert psutil.pid_exists(row["pid"])
        assert row["uptime_s"] > 0
        assert 1 < row["rss_mb"] < 200


def test_all_processes_together_are_small(khronos: Instance) -> None:
    assert sum(row["rss_mb"] for row in khronos.ps().values()) < 900


def test_health_tells_of_this_process_alone(khronos: Instance) -> None:
    status, body = khronos.get("/health")
    assert status == 200
    assert body["status"] == "UP"
    assert body["uptime"] > 0
    assert body["memory"]["rss_mb"] > 1
    assert psutil.Process(body["pid"]).parent().pid == khronos.ps()["web"]["pid"]  # type: ignore[union-attr]


def test_ready_tells_strangers_no_more_than_yes(khronos: Instance) -> None:
    eventually(khronos.is_ready, SOON_S, "ready")
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        status, body = khronos.get("/ready", **headers)
        assert body == {"status": "ready" if status == 200 else "not ready"}


def test_ready_tells_a_bearer_of_the_token_each_check(khronos: Instance) -> None:
    lines = (khronos.home / "secrets.env").read_text().splitlines()
    token = next(line.partition("=")[2] for line in lines if line.startswith("METRICS_TOKEN="))
    eventually(khronos.is_ready, SOON_S, "ready")
    status, body = khronos.get("/ready", Authorization=f"Bearer {token}")
    assert (status == 200) is all(check["ok"] for check in body["checks"].values())
    assert set(body["checks"]) == {"database", "redis", "broker", "workers", "disk", "memory"}


def test_a_second_up_is_refused_and_names_the_way_out(khronos: Instance) -> None:
    result = khronos.manage("up")
    assert result.returncode == 1
    assert "already running" in result.stderr
    assert "make down" in result.stderr
    assert "Traceback" not in result.stderr
    assert khronos.is_ready()


@pytest.mark.parametrize("name", KILLED)
def test_a_killed_process_comes_back(khronos: Instance, name: str) -> None:
    before = khronos.running({name})[name]
    psutil.Process(before["pid"]).kill()
    rows = eventually(
        lambda: rows if (rows := khronos.running({name}))[name]["pid"] != before["pid"] else {},
        SOON_S,
        f"return of {name}",
    )
    assert rows[name]["restarts"] == before["restarts"] + 1
    eventually(khronos.is_ready, SOON_S, "ready")


def test_two_that_start_at_once_live_side_by_side(tmp_path: Path) -> None:
    nothing_set = {"PORT": "", "FLOWER_PORT": ""}
    with instance(tmp_path / "one", **nothing_set) as one, instance(tmp_path / "two", **nothing_set) as two:
        one.launch()
        two.launch()
        one.await_ready()
        two.await_ready()
        assert one.port != two.port
        served_by = {psutil.Process(it.get("/health")[1]["pid"]).ppid() for it in (one, two)}
        assert served_by == {it.ps()["web"]["pid"] for it in (one, two)}

        result = one.manage("down")
        assert result.returncode == 0
        assert "stopped" in result.stdout
        assert one.wait() == 0
        assert one.processes() == []
        assert one.ps() == {}
        assert "not running" in one.manage("down").stdout
        assert two.is_ready()


def test_a_killed_supervisor_leaves_nothing_and_up_starts_anew(tmp_path: Path) -> None:
    with instance(tmp_path / "home") as it:
        it.start()
        psutil.Process(it.ps()["supervisor"]["pid"]).kill()
        it.wait()
        eventually(lambda: not it.processes(), SOON_S, "end of all")
        assert it.ps() == {}
        it.start()
        assert it.screen.count("password") == 1
        stop_with_a_nervous_hand(it)


def stop_with_a_nervous_hand(it: Instance) -> None:
    """A second Ctrl-C changes nothing."""
    assert it.up is not None
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
        it.up.send_signal(number)
    assert it.wait() == 0
    assert "was killed" not in it.screen
    assert it.processes() == []
