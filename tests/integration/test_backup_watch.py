"""Copies that do not arrive are an alert, and its end; an emptied place is filled anew; trials are kept."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from khronos.backup import engine, validate, watch
from khronos.backup.litestream import Litestream
from khronos.backup.validate import try_newest
from khronos.models import Alert, BackupCheck, BackupState
from tests.integration.copied import Keeper, copied, record_event

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("bus"),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="Litestream copies SQLite alone"),
]


@pytest.fixture
def keeper(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Keeper]:
    """The copied database is another than the one in which alerts are kept: that one is the tests' own."""
    with copied(tmp_path, settings) as keeper:
        found: Litestream = keeper.engine
        for module in (engine, validate, watch):
            monkeypatch.setattr(module, "engine", lambda: found)
        yield keeper


def open_alerts() -> set[str]:
    return set(Alert.objects.open().filter(count__gt=0).values_list("name", flat=True))


def long_ago(seconds: float) -> None:
    then = timezone.now() - timedelta(seconds=seconds)
    BackupState.objects.update(arrived_at=then, since=then)


def test_an_idle_database_is_never_late(keeper: Keeper) -> None:
    watch.watch()
    long_ago(300)
    state_ = watch.watch()
    assert (state_.age_s < 10, state_.trouble, open_alerts()) == (True, "", set())


def test_copies_that_do_not_arrive_are_an_alert_until_they_do(keeper: Keeper) -> None:
    watch.watch()
    keeper.kill()
    first = watch.watch()
    assert "Litestream is not running" in first.trouble
    assert open_alerts() == set(), "it is not late yet"
    long_ago(61)
    watch.watch()
    assert open_alerts() == {"backup.stale"}
    keeper.start()
    watch.watch()
    assert open_alerts() == set()


def test_an_emptied_place_is_told_at_once_and_filled_by_a_new_start(keeper: Keeper, tmp_path: Path) -> None:
    watch.watch()
    long_ago(61)  # since then somebody looks: this is no first copy that is being made
    BackupState.objects.update(arrived_at=timezone.now())
    keeper.enlist()
    for level in (tmp_path / "backup" / "litestream").rglob("9"):
        shutil.rmtree(level)
    watch.watch()
    assert open_alerts() == {"backup.stale"}
    keeper.await_anew()
    watch.watch()
    assert open_alerts() == set()


def test_a_first_copy_of_a_large_database_is_left_its_time(keeper: Keeper, tmp_path: Path) -> None:
    keeper.execute("CREATE TABLE large (bits)")
    keeper.execute("INSERT INTO large VALUES (zeroblob(?))", 50_000_000)
    with closing(sqlite3.connect(keeper.engine.live)) as live:
        live.execute("PRAGMA wal_checkpoint(PASSIVE)")
    watch.watch()
    keeper.enlist()
    for level in (tmp_path / "backup" / "litestream").rglob("9"):
        shutil.rmtree(level)
    long_ago(65)
    BackupState.objects.update(arrived_at=timezone.now())
    watch.watch()
    assert open_alerts() == set()
    assert keeper.process is not None
    assert keeper.process.poll() is None
    long_ago(75)
    watch.watch()
    assert open_alerts() == {"backup.stale"}
    assert keeper.process.wait(10) is not None


def test_a_trial_is_kept_with_its_figures_and_its_scratch_space_is_empty(
    keeper: Keeper, tmp_path: Path
) -> None:
    record_event(keeper, "copied")
    keeper.engine.sync_now(5.0)
    check = try_newest()
    assert (check.ok, check.rows["khronos_event"], open_alerts()) == (True, 1, set())
    assert check.size > 100_000
    assert check.ended_at is not None
    assert list((tmp_path / "backup" / "scratch").iterdir()) == []


def test_a_trial_that_fails_is_an_alert_until_one_succeeds(keeper: Keeper, tmp_path: Path) -> None:
    record_event(keeper, "copied")
    keeper.engine.sync_now(5.0)
    copies, away = tmp_path / "backup" / "litestream", tmp_path / "away"
    copies.rename(away)
    assert not try_newest().ok
    assert open_alerts() == {"backup.invalid"}
    shutil.rmtree(copies, ignore_errors=True)
    away.rename(copies)
    assert try_newest().ok
    assert open_alerts() == set()
    assert BackupCheck.objects.count() == 2


def test_what_a_killed_trial_left_is_removed_by_the_next(keeper: Keeper, tmp_path: Path) -> None:
    left = tmp_path / "backup" / "scratch"
    left.mkdir(parents=True, exist_ok=True)
    (left / "restored.sqlite3").write_bytes(b"half of it")
    (left / "restored.sqlite3.tmp").write_bytes(b"half of it")
    assert try_newest().ok
    assert list(left.iterdir()) == []


def test_two_trials_do_not_meet(keeper: Keeper, tmp_path: Path) -> None:
    lock = tmp_path / "backup" / "scratch.lock"
    lock.touch()
    program = (
        f"import fcntl; f = open({str(lock)!r}); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=-1, stdout=-1) as other:
        assert other.stdout is not None
        other.stdout.readline()
        check = try_newest()
        other.communicate(b"\n", timeout=5)
    assert not check.ok
    assert "under way" in check.verdict


def test_no_trial_for_long_is_an_alert(keeper: Keeper) -> None:
    watch.watch()
    BackupCheck.objects.create(ended_at=timezone.now() - timedelta(hours=14), ok=True)
    watch.watch()
    assert open_alerts() == {"backup.untried"}
    assert try_newest().ok
    watch.watch()
    assert open_alerts() == set()
