"""A restored database put in the place of the present one, which is kept."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from khronos.backup.engine import BackupFailed, nobody
from khronos.backup.restore import Outcome, bring_back, bring_beside
from tests.integration.copied import Keeper, copied, keys, record_event

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="Litestream copies SQLite alone"),
]


@pytest.fixture
def keeper(tmp_path: Path, settings: Settings) -> Iterator[Keeper]:
    with copied(tmp_path, settings) as keeper:
        record_event(keeper, "first")
        keeper.engine.sync_now(5.0)
        yield keeper


def back(keeper: Keeper, at: datetime | None = None) -> Outcome:
    keeper.kill()
    return bring_back(keeper.engine, at, nobody)


def test_the_present_one_is_kept_with_all_that_the_restored_one_lacks(keeper: Keeper) -> None:
    between = datetime.now(UTC)
    record_event(keeper, "second")
    keeper.engine.sync_now(5.0)
    outcome = back(keeper, between)
    assert keys(keeper.engine.live) == ["first"]
    assert keys(outcome.kept) == ["first", "second"]
    assert outcome.loss.is_known
    assert {name for name, count in outcome.loss.rows.items() if count} == {"event"}
    assert Path(outcome.kept).stat().st_mode & 0o077 == 0
    assert not Path(f"{outcome.restored.place}").exists(), "scratch space is emptied"


def test_copies_go_on_after_it_and_those_before_it_stay(keeper: Keeper, tmp_path: Path) -> None:
    between = datetime.now(UTC)
    record_event(keeper, "second")
    keeper.engine.sync_now(5.0)
    then = datetime.now(UTC)
    back(keeper, between)
    keeper.start()
    record_event(keeper, "another")
    keeper.engine.sync_now(5.0)
    newest = bring_beside(keeper.engine, str(tmp_path / "newest.sqlite3"), None, nobody)
    undone = bring_beside(keeper.engine, str(tmp_path / "undone.sqlite3"), then, nobody)
    assert keys(newest.restored.place) == ["first", "another"]
    assert keys(undone.restored.place) == ["first", "second"]


def test_a_database_in_use_is_left_as_it_is(keeper: Keeper) -> None:
    record_event(keeper, "second")
    with closing(sqlite3.connect(keeper.engine.live, isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        with pytest.raises(BackupFailed) as refused:
            back(keeper)
    assert "make down" in refused.value.fix
    assert keys(keeper.engine.live) == ["first", "second"]
    assert list(Path(keeper.engine.live).parent.glob("*.before-*")) == []


def test_a_damaged_database_is_replaced_and_kept_as_it_is(keeper: Keeper) -> None:
    keeper.kill()
    for end in ("-wal", "-shm"):
        Path(keeper.engine.live + end).unlink(missing_ok=True)
    Path(keeper.engine.live).write_bytes(b"no database at all" * 1000)
    outcome = back(keeper)
    assert keys(keeper.engine.live) == ["first"]
    assert Path(outcome.kept).read_bytes().startswith(b"no database at all")
    assert not outcome.loss.is_known


def test_a_database_that_is_gone_comes_back(keeper: Keeper) -> None:
    keeper.kill()
    for end in ("", "-wal", "-shm"):
        Path(keeper.engine.live + end).unlink(missing_ok=True)
    assert back(keeper).kept == ""
    assert keys(keeper.engine.live) == ["first"]


def test_a_folder_that_is_not_there_is_named(keeper: Keeper, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match=f"{tmp_path}/none: No such file") as refused:
        bring_beside(keeper.engine, str(tmp_path / "none" / "beside.sqlite3"), None, nobody)
    assert "a folder that is there" in refused.value.fix
