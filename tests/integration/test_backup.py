"""Copies by a real Litestream: what is had of them, and what a trial finds."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from khronos.backup.engine import BackupFailed, Incomplete, NoCopy, first_moment, nobody
from khronos.backup.verify import Verdict, verify
from tests.integration.copied import Keeper, copied, keys, record_event

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="Litestream copies SQLite alone"),
]
PAGE = 4096


@pytest.fixture
def keeper(tmp_path: Path, settings: Settings) -> Iterator[Keeper]:
    with copied(tmp_path, settings) as keeper:
        yield keeper


def restored(keeper: Keeper, to: Path, at: datetime | None = None) -> str:
    return keeper.engine.restore(str(to), at, nobody).place


def test_what_is_committed_arrives_and_comes_back(keeper: Keeper, tmp_path: Path) -> None:
    record_event(keeper, "first")
    keeper.engine.sync_now(5.0)
    place = restored(keeper, tmp_path / "restored.sqlite3")
    assert keys(place) == ["first"]
    verdict = verify(keeper.engine, place, begun=datetime.now(UTC))
    assert (verdict.problems, verdict.rows["khronos_event"], verdict.behind["khronos_event"]) == ([], 1, 0)


def test_a_copy_that_is_older_than_the_database_is_still_whole(keeper: Keeper, tmp_path: Path) -> None:
    record_event(keeper, "copied")
    keeper.engine.sync_now(5.0)
    place = restored(keeper, tmp_path / "restored.sqlite3")
    record_event(keeper, "later")
    keeper.execute("UPDATE khronos_event SET published_at = '2026-01-01' WHERE idempotency_key = 'copied'")
    verdict = verify(keeper.engine, place, begun=datetime.now(UTC))
    assert (verdict.problems, verdict.behind["khronos_event"]) == ([], 1)


def test_a_copy_that_ends_too_early_is_found(keeper: Keeper, tmp_path: Path) -> None:
    record_event(keeper, "copied")
    keeper.engine.sync_now(5.0)
    place = restored(keeper, tmp_path / "restored.sqlite3")
    record_event(keeper, "never arrived", f"{datetime.now(UTC) - timedelta(seconds=90):%Y-%m-%d %H:%M:%S.%f}")
    [problem] = verify(keeper.engine, place, begun=datetime.now(UTC)).problems
    assert "newer rows never arrived" in problem


def test_a_moment_comes_back_as_it_was(keeper: Keeper, tmp_path: Path) -> None:
    record_event(keeper, "before")
    keeper.engine.sync_now(5.0)
    between = datetime.now(UTC)
    record_event(keeper, "after")
    keeper.engine.sync_now(5.0)
    assert keys(restored(keeper, tmp_path / "then.sqlite3", between)) == ["before"]
    assert keys(restored(keeper, tmp_path / "now.sqlite3")) == ["before", "after"]


def test_a_moment_before_the_first_copy_is_refused_in_words(keeper: Keeper, tmp_path: Path) -> None:
    with pytest.raises(NoCopy) as refused:
        restored(keeper, tmp_path / "then.sqlite3", datetime(2020, 1, 1, tzinfo=UTC))
    first = first_moment(keeper.engine.list_copies())
    assert f"is {first.astimezone():%Y-%m-%d %H:%M:%S%z}." in str(refused.value)
    assert "backup list" in refused.value.fix
    assert not (tmp_path / "then.sqlite3").exists()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("DELETE FROM khronos_event WHERE idempotency_key = 'key 20'", "1 rows are missing in the copy (21)"),
        (
            "DELETE FROM khronos_event WHERE id BETWEEN 5 AND 12",
            "8 rows are missing in the copy (5, 6, 7, 8, 9 …)",
        ),
        ("UPDATE khronos_event SET trace_id = 'other' WHERE id = 7", "1 rows are altered (7)"),
    ],
)
def test_rows_that_are_missing_or_altered_in_the_middle_are_named(
    keeper: Keeper, tmp_path: Path, harm: str, said: str
) -> None:
    for number in range(40):
        record_event(keeper, f"key {number}")
    keeper.engine.sync_now(5.0)
    place = restored(keeper, tmp_path / "restored.sqlite3")
    with closing(sqlite3.connect(place)) as copy, copy:
        copy.execute(harm)
    [problem] = verify(keeper.engine, place).problems
    assert said in problem


def root_of(place: str, name: str) -> int:
    with closing(sqlite3.connect(place)) as found:
        [(page,)] = found.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [name])
        return int(page)


def page_of(place: str, text: bytes) -> int:
    """The last page that holds it."""
    return Path(place).read_bytes().rindex(text) // PAGE + 1


def free_page(place: str) -> int:
    return int.from_bytes(Path(place).read_bytes()[32:36], "big")


def flip(place: str, page: int, offset: int = 0, length: int = 16) -> None:
    with open(place, "r+b") as file:
        file.seek((page - 1) * PAGE + offset)
        bits = file.read(length)
        file.seek((page - 1) * PAGE + offset)
        file.write(bytes(255 - byte for byte in bits))


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(lambda place: root_of(place, "khronos_event"), id="table"),
        pytest.param(lambda place: root_of(place, "event_timeline"), id="index"),
        pytest.param(lambda place: page_of(place, b"key 150"), id="leaf"),
        pytest.param(free_page, id="list of free pages"),
    ],
)
def test_one_damaged_page_is_found(keeper: Keeper, tmp_path: Path, page: Callable[[str], int]) -> None:
    for number in range(200):
        record_event(keeper, f"key {number}")
    keeper.execute("CREATE TABLE gone (text)")
    keeper.execute("INSERT INTO gone VALUES (?)", "x" * 50_000)
    keeper.execute("DROP TABLE gone")
    keeper.engine.sync_now(5.0)
    place = restored(keeper, tmp_path / "restored.sqlite3")
    damaged = page(place)
    assert damaged > 1
    assert verify(keeper.engine, place).problems == []
    flip(place, damaged)
    assert verify(keeper.engine, place).problems != []


def test_a_byte_of_a_text_that_is_altered_is_found_where_no_page_tells(
    keeper: Keeper, tmp_path: Path
) -> None:
    for number in range(20):
        record_event(keeper, f"a key of some length {number}")
    keeper.engine.sync_now(5.0)
    place = restored(keeper, tmp_path / "restored.sqlite3")
    bits = Path(place).read_bytes()
    for found in re.finditer(b"outbox.message.senttracea key of some length 7", bits):
        flip(place, 1, found.start() + 2, 1)  # of a column without an index
    [problem] = verify(keeper.engine, place).problems
    assert "1 rows are altered (8)" in problem


def test_a_damaged_copy_is_no_copy(keeper: Keeper, tmp_path: Path) -> None:
    record_event(keeper, "copied")
    keeper.engine.sync_now(5.0)
    keeper.kill()
    for file in (tmp_path / "backup" / "litestream").rglob("*.ltx"):
        bits = bytearray(file.read_bytes())
        bits[len(bits) // 2] ^= 255
        file.write_bytes(bits)
    with pytest.raises((Incomplete, BackupFailed)) as refused:
        restored(keeper, tmp_path / "restored.sqlite3")
    assert isinstance(refused.value, Incomplete), refused.value


def test_a_verdict_says_in_words_what_was_compared() -> None:
    assert str(Verdict(rows={"khronos_event": 3})) == "whole: every page and key, 3 rows compared"
    assert str(Verdict(problems=["this", "that"])) == "this; that"
