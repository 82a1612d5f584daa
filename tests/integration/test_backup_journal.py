"""PostgreSQL's journal, received as it is written: any moment comes back, nothing is lost with the server."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from django.db import connection
from pytest_django import Settings

from khronos.backup import engine, postgres_journal, postgres_private, validate, watch
from khronos.backup import postgres_server as server
from khronos.backup.engine import BackupFailed, NoCopy, nobody
from khronos.backup.shelf import folder
from khronos.backup.validate import try_newest
from settings.dotenv import ROOT
from tests.integration.dumped import NAME, Dumped, dumped
from tests.integration.test_backup_postgresql import (
    SCRATCH,
    long_ago,
    of_another_process,
    open_alerts,
)
from tests.stopwatch import Stopwatch

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("bus"),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="python -m tests.postgresql runs it"),
]


def assert_all_arrives_soon(pg: Dumped) -> None:
    with Stopwatch() as watch:
        age_s = pg.engine.age()
    assert age_s < 2 + watch.stood_s


@pytest.fixture
def pg(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dumped]:
    with journaled(tmp_path, settings, monkeypatch) as made:
        yield made


@contextmanager
def journaled(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dumped]:
    settings.BACKUP_JOURNAL = True
    with dumped(tmp_path, settings) as made:
        for module in (engine, validate, watch):
            monkeypatch.setattr(module, "engine", lambda: made.engine)
        monkeypatch.setattr(server, "live", lambda: NAME)
        yield made
        made.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots", place="postgres")


def environment(settings: Settings) -> dict[str, str]:
    return of_another_process(settings) | {"BACKUP_JOURNAL": "1"}


@contextmanager
def receiving(settings: Settings) -> Iterator["subprocess.Popen[bytes]"]:
    """As the Procfile starts it, until what is committed arrives."""
    command = [sys.executable, "manage.py", "journal"]
    process = subprocess.Popen(command, env=environment(settings), cwd=ROOT)
    try:
        postgres_journal.arrive(30.0)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def test_any_moment_comes_back_as_it_was(pg: Dumped, settings: Settings) -> None:
    pg.record_event("first")
    with receiving(settings):
        pg.engine.make(nobody)
        pg.record_event("second")
        time.sleep(0.2)
        [[between]] = pg.execute("SELECT clock_timestamp()")
        time.sleep(0.2)
        pg.record_event("third")
        assert_all_arrives_soon(pg)
    then = pg.engine.restore(SCRATCH, between, nobody)
    assert pg.keys(SCRATCH) == ["first", "second"]
    assert between - timedelta(seconds=1) < then.at <= between
    server.drop(SCRATCH)
    pg.engine.restore(SCRATCH, None, nobody)
    assert pg.keys(SCRATCH) == ["first", "second", "third"]
    server.drop(SCRATCH)
    pg.engine.restore(SCRATCH, datetime.now(UTC), nobody)  # later than all that is in the journal
    assert pg.keys(SCRATCH) == ["first", "second", "third"]
    assert not postgres_private.data().exists()
    assert not postgres_private.folder().exists()


def test_a_restore_to_a_moment_puts_it_in_place_and_keeps_the_present_one(
    pg: Dumped, settings: Settings
) -> None:
    with receiving(settings):
        pg.engine.make(nobody)
        pg.record_event("kept")
        time.sleep(0.2)
        [[between]] = pg.execute("SELECT clock_timestamp()")
        time.sleep(0.2)
        pg.record_event("too much")
        pg.engine.sync_now(5.0)
    command = [sys.executable, "manage.py", "restore", "--at", between.isoformat(), "--lang", "en"]
    done = subprocess.run(
        command, env=environment(settings), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "1 event" in done.stdout
    [kept] = pg.databases()
    assert kept in done.stdout
    assert (pg.keys(), pg.keys(kept)) == (["kept"], ["kept", "too much"])


def test_a_moment_before_the_first_base_is_refused(pg: Dumped, settings: Settings) -> None:
    with receiving(settings):
        pg.engine.make(nobody)
        with pytest.raises(NoCopy, match="the first moment that can be restored is"):
            pg.engine.insist_on_copy(datetime.now(UTC) - timedelta(hours=1))


def test_a_trial_restores_by_the_journal(pg: Dumped, settings: Settings) -> None:
    with receiving(settings):
        pg.engine.make(nobody)
        pg.record_event("after the base", long_ago())
        pg.engine.sync_now(5.0)
        check = try_newest()
    assert check.ok, check.verdict
    assert check.rows["khronos_event"] == 1
    assert open_alerts() == set()
    assert pg.databases() == set()


def test_a_journal_that_is_not_received_is_told(pg: Dumped, settings: Settings) -> None:
    with receiving(settings):
        pg.engine.make(nobody)
        watch.watch()
        assert open_alerts() == set()
    with pytest.raises(BackupFailed) as told:
        pg.engine.sync_now(0.5)
    assert "journal" in told.value.fix
    pg.record_event("meanwhile")
    with receiving(settings):
        pg.engine.restore(SCRATCH, None, nobody)
    assert pg.keys(SCRATCH) == ["meanwhile"], "the server had kept it"
    assert len(postgres_journal.eras()) == 1


def test_an_emptied_folder_begins_another_era(pg: Dumped, settings: Settings) -> None:
    with receiving(settings):
        pg.engine.make(nobody)
    shutil.rmtree(folder())
    with receiving(settings):
        assert pg.engine.is_due()
        with pytest.raises(NoCopy):
            pg.engine.age()
        pg.engine.make(nobody)
        pg.record_event("anew")
        assert_all_arrives_soon(pg)
    pg.engine.restore(SCRATCH, None, nobody)
    assert pg.keys(SCRATCH) == ["anew"]


def test_what_is_older_than_is_kept_goes_with_its_journal(pg: Dumped, settings: Settings) -> None:
    with receiving(settings):
        pg.engine.make(nobody)
        [first] = postgres_journal.bases()
        pieces = folder() / first.era / "journal"
        before = set(os.listdir(pieces))
        pg.execute("SELECT pg_switch_wal()")
        pg.record_event("next")
        settings.BACKUP_KEPT = timedelta(0)
        pg.engine.make(nobody)
        [second] = postgres_journal.bases()
        assert second.at > first.at
        assert not (folder() / first.path).exists()
        assert before - set(os.listdir(pieces)) != set()
    pg.engine.restore(SCRATCH, None, nobody)
    assert pg.keys(SCRATCH) == ["next"]


TRIAL = """
import django; django.setup()
from khronos.backup import postgres_journal, postgres_private
from tests.stopwatch import Stopwatch
[base] = postgres_journal.bases()
with postgres_journal.at_hand(base) as there, postgres_private.brought_to(there, None) as reached:
    print("reached", flush=True)
    input()
"""


def test_a_server_that_a_killed_restore_left_is_ended_by_the_next(pg: Dumped, settings: Settings) -> None:
    with receiving(settings):
        pg.engine.make(nobody)
    command = [sys.executable, "-c", TRIAL]
    with subprocess.Popen(command, env=environment(settings), cwd=ROOT, stdin=-1, stdout=-1) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"reached\n"
        other.kill()
    note = postgres_private.data() / "postmaster.pid"
    left = psutil.Process(int(note.read_text().splitlines()[0]))
    assert left.is_running()
    pg.engine.restore(SCRATCH, None, nobody)
    assert not left.is_running()
    assert not postgres_private.folder().exists()
