"""All is killed while it writes: the copy is whole, and lacks no more than what the sync interval allows."""

import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median

import pytest
from pytest_django import Settings

from bench.instance import ROOT, Instance
from bench.patience import until
from bench.simulator import Simulator
from bench.simulator.verdict import MARKER
from khronos.backup.engine import nobody
from khronos.backup.verify import verify
from tests.acceptance.stage import Stage
from tests.integration.copied import READY_S, Keeper, copied, keys, record_event
from tests.s3 import S3
from tests.stopwatch import Stopwatch

SYNC_S = 10.0  # the default
# Beside the interval: changes are looked for each 0.5 s, and carried away on a machine that does other
# things, too; after a start, the time from Litestream's first copy to the beginning of its first interval.
SLACK_S = 2.0
KILLS = 10
ROUNDS = 5
KILLED_AFTER_S = 4.0, 15.0
ROWS_A_SECOND = 50
PLACES = pytest.mark.parametrize("place", ["folder", "bucket"])


@contextmanager
def writing(keeper: Keeper, every_s: float) -> "Iterator[subprocess.Popen[bytes]]":
    """From its first row on."""
    before = len(times(keeper.engine.live))
    command = [sys.executable, "-m", "tests.acceptance.backup_writer", keeper.engine.live, str(every_s)]
    writer = subprocess.Popen(command, cwd=ROOT)
    try:
        assert until(lambda: len(times(keeper.engine.live)) > before, READY_S)
        yield writer
    finally:
        writer.kill()
        writer.wait(10)


def times(place: str) -> list[datetime]:
    with closing(sqlite3.connect(place)) as found:
        rows = found.execute("SELECT timestamp FROM khronos_event ORDER BY id").fetchall()
    return [datetime.fromisoformat(row[0]) for row in rows]


@PLACES
@pytest.mark.django_db
def test_copy_of_what_was_killed_in_the_middle_of_writing_is_whole(
    place: str, tmp_path: Path, settings: Settings, request: pytest.FixtureRequest
) -> None:
    bucket: S3 | None = request.getfixturevalue("bucket") if place == "bucket" else None
    with copied(tmp_path, settings, bucket) as keeper:
        lag_s = settings.BACKUP_SYNC_S + SLACK_S
        with Stopwatch() as watch, writing(keeper, 1 / ROWS_A_SECOND) as writer:
            time.sleep(lag_s + 0.7)
            writer.kill()
            keeper.kill()
            writer.wait(10)
        copy = keeper.engine.restore(str(tmp_path / "restored.sqlite3"), None, nobody).place
        assert verify(keeper.engine, copy).problems == []
        there, copied_rows = times(keeper.engine.live), times(copy)
    assert copied_rows == there[: len(copied_rows)] != []
    assert (there[-1] - copied_rows[-1]).total_seconds() < lag_s + watch.stood_s


@pytest.mark.django_db
def test_what_a_start_finds_is_copied_without_waiting_for_the_interval(
    tmp_path: Path, settings: Settings
) -> None:
    with copied(tmp_path, settings) as keeper:
        keeper.kill()
        settings.BACKUP_SYNC_S = 60.0
        record_event(keeper, "before the start")
        before = keeper.engine.list_copies()
        keeper.launch()
        assert until(lambda: len(keeper.engine.list_copies()) > len(before), READY_S)
        copy = keeper.engine.restore(str(tmp_path / "restored.sqlite3"), None, nobody).place
    assert keys(copy) == ["before the start"]


@PLACES
@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.django_db
def test_ten_kills_at_the_default_interval_lose_no_more_than_it(
    place: str, tmp_path: Path, settings: Settings, request: pytest.FixtureRequest
) -> None:
    bucket: S3 | None = request.getfixturevalue("bucket") if place == "bucket" else None
    chance, lost_s = random.Random(place), []
    with copied(tmp_path, settings, bucket) as keeper:
        keeper.kill()
        settings.BACKUP_SYNC_S = SYNC_S
        for number in range(KILLS):
            with writing(keeper, 1 / ROWS_A_SECOND) as writer:
                keeper.launch()
                time.sleep(chance.uniform(*KILLED_AFTER_S))
                writer.kill()
                keeper.kill()
                writer.wait(10)
            copy = keeper.engine.restore(str(tmp_path / f"{number}.sqlite3"), None, nobody).place
            assert verify(keeper.engine, copy).problems == []
            lost_s.append(lacking_s(keeper.engine.live, copy))
    assert max(lost_s) < SYNC_S + SLACK_S, told(place, lost_s)
    print(told(place, lost_s))  # noqa: T201


def lacking_s(there: str, copy: str) -> float:
    """From the first row that the copy lacks to the last: nothing was written while all was down."""
    with closing(sqlite3.connect(there)) as found, closing(sqlite3.connect(copy)) as copied:
        [(last,)] = copied.execute("SELECT max(id) FROM khronos_event").fetchall()
        lacking = "SELECT min(timestamp), max(timestamp) FROM khronos_event WHERE id > ?"
        first, newest = found.execute(lacking, [last]).fetchone()
    if first is None:
        return 0.0
    return round((datetime.fromisoformat(newest) - datetime.fromisoformat(first)).total_seconds(), 2)


def told(place: str, lost_s: list[float]) -> str:
    return f"{place}: lost {median(lost_s):.1f} s in the middle, {max(lost_s):.1f} s at most, of {lost_s}"


@PLACES
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_whole_khronos_killed_again_and_again_comes_back_whole_and_repeats_nothing(
    place: str, request: pytest.FixtureRequest
) -> None:
    where = request.getfixturevalue("bucket").environment() if place == "bucket" else {}
    chance = random.Random(place)
    with (
        Simulator.start() as world,
        Instance(world, env={**where, "TELEGRAM_DELIVERY_MODE": "edit"}) as khronos,
    ):
        stage = Stage(world, khronos)
        stage.clear()
        lost_s = [killed_and_restored(stage, chance.uniform(*KILLED_AFTER_S)) for _ in range(ROUNDS)]
        verdict = stage.finish(60)
        held = held_in(khronos)
    print(told(place, lost_s), f"of {verdict.accepted} messages {len(held)} are held")  # noqa: T201
    assert max(lost_s) < SYNC_S + SLACK_S, told(place, lost_s)
    assert (verdict.repeated, verdict.misdirected) == ([], []), verdict.table()
    assert set(verdict.lost) <= held, verdict.table()


def held_in(khronos: Instance) -> set[str]:
    """What is listed for an operator, since it was being answered at the moment of a kill."""
    held = khronos.sql(
        "SELECT CAST(raw AS TEXT) FROM khronos_update WHERE state = 'quarantined'"
        " UNION ALL SELECT text FROM khronos_message WHERE author = 'contact' AND turn_id IN"
        " (SELECT id FROM khronos_turn WHERE state = 'buried')"
    )
    return {marker for (text,) in held for marker in MARKER.findall(text)}


def killed_and_restored(stage: Stage, after_s: float) -> float:
    """People write meanwhile, and go on after it. Answers how many seconds the copy lacks."""
    khronos = stage.khronos
    stage.play(12, 12, arrival="paced", rate=8)
    time.sleep(after_s)
    for process in khronos.all_processes():
        process.kill()
    assert khronos.process is not None
    khronos.process.wait(45)
    done = subprocess.run(
        [sys.executable, "manage.py", "restore", "--latest", "--lang", "en"],
        env=khronos.env, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    [kept] = sorted(khronos.home.path.glob("khronos.sqlite3.before-????????-??????"))[-1:]
    with closing(sqlite3.connect(khronos.database)) as restored:
        assert restored.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert restored.execute("PRAGMA foreign_key_check").fetchall() == []
    lost_s = lacking_s(str(kept), str(khronos.database))
    khronos.start()
    return lost_s
