"""Dumps of a real PostgreSQL in a bucket: brought there, back from there, and what is said when it fails."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from khronos.backup import engine, mend, postgres_dumps, validate, watch
from khronos.backup.bucket import PIECE, Bucket
from khronos.backup.engine import BackupFailed, Incomplete, NoCopy, Unreachable, nobody
from khronos.backup.postgres_dumps import DUMP
from khronos.backup.shelf import folder
from khronos.backup.validate import try_newest
from khronos.bus.connection import patient
from khronos.management.commands import backup as command
from khronos.models import BackupState
from settings.dotenv import ROOT
from tests.integration.copied import point_at
from tests.integration.dumped import NAME, Dumped, dumped
from tests.integration.test_backup_postgresql import (
    SCRATCH,
    long_ago,
    of_another_process,
    open_alerts,
)
from tests.s3 import S3

needs_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="python -m tests.postgresql runs it"
)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]
PATIENCE_S = 1.0
AWAY, REFUSED = "Where the copies lie does not answer", "Where the copies lie refuses us"


@pytest.fixture
def pg(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, bucket: S3) -> Iterator[Dumped]:
    point_at(settings, bucket.environment())
    settings.BACKUP_PATIENCE_S = PATIENCE_S
    with dumped(tmp_path, settings) as made:
        for module in (engine, validate, watch):
            monkeypatch.setattr(module, "engine", lambda: made.engine)
        yield made


@pytest.fixture
def shelf(bucket: S3, settings: Settings, tmp_path: Path) -> Bucket:
    point_at(settings, bucket.environment("a place/with ~odd+ names"))
    settings.BACKUP_FOLDER, settings.BACKUP_PATIENCE_S = tmp_path / "backup", PATIENCE_S
    found = postgres_dumps.shelf()
    assert isinstance(found, Bucket)
    return found


def test_a_file_of_many_pieces_comes_back_as_it_was(shelf: Bucket, bucket: S3, tmp_path: Path) -> None:
    bits = os.urandom(2 * PIECE + 12_345)
    draft = tmp_path / "draft"
    draft.write_bytes(bits)
    seen: list[float] = []
    shelf.put(draft, "20261122.dump", seen.append)
    assert not draft.exists()
    assert bucket.names() == ["a place/with ~odd+ names/postgresql/20261122.dump"]
    assert [(thing.name, thing.size) for thing in shelf.things("2")] == [("20261122.dump", len(bits))]
    with shelf.at_hand("20261122.dump") as fetched:
        assert fetched.read_bytes() == bits
        assert fetched.stat().st_mode & 0o077 == 0
    assert not fetched.exists()
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    shelf.remove("20261122.dump")
    assert (shelf.things(""), bucket.names()) == ([], [])


def test_a_file_that_did_not_arrive_is_not_there_and_its_parts_are_not_kept(
    shelf: Bucket, bucket: S3, tmp_path: Path
) -> None:
    draft = tmp_path / "draft"
    draft.write_bytes(bytes(2 * PIECE))

    def strike(_part: float) -> None:
        bucket.gate.leave()

    with pytest.raises(Unreachable, match=AWAY):
        shelf.put(draft, "20261122.dump", strike)
    bucket.gate.come_back()
    assert shelf.things("") == []
    assert draft.exists()
    assert len(list(shelf._listed({"uploads": "", "prefix": shelf.prefix}, "Upload"))) == 1
    shelf.put(draft, "20261122.dump", nobody)
    assert list(shelf._listed({"uploads": "", "prefix": shelf.prefix}, "Upload")) == []
    assert len(shelf.things("")) == 1


def test_what_is_not_there_is_named(shelf: Bucket, settings: Settings) -> None:
    with pytest.raises(Incomplete, match="damaged or missing"), shelf.at_hand("20261122.dump"):
        pytest.fail("there is none")
    settings.BACKUP_REPLICA_URL = "s3://another/path"
    with pytest.raises(Unreachable, match="There is no bucket another"):
        postgres_dumps.found()
    settings.BACKUP_REPLICA_URL = "gs://another/path"
    with pytest.raises(BackupFailed) as refused:
        postgres_dumps.found()
    assert "s3://" in refused.value.fix


@pytest.mark.slow
def test_a_list_of_more_than_a_page_is_whole(shelf: Bucket, bucket: S3) -> None:
    for number in range(1005):
        bucket.write(f"{shelf.prefix}{number:04}", b"")
    assert [thing.name for thing in shelf.things("")] == [f"{number:04}" for number in range(1005)]


@needs_postgresql
def test_a_dump_in_the_bucket_is_listed_tried_and_brought_back_by_the_commands(
    pg: Dumped,
    bucket: S3,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "engine", lambda: pg.engine)
    pg.record_event("copied", long_ago())
    call_command("backup", "make", lang="en")
    [name] = bucket.names()
    assert name.startswith("khronos/postgresql/2")
    assert list(folder().glob("*.dump")) == [], "nothing of it stays on this disk"
    for deed in ("list", "status", "verify"):
        call_command("backup", deed, lang="en")
    shown = capsys.readouterr().out
    for said in ("1 copies", "postgresql → s3://copies/khronos", "✅ arrives", "✅ whole"):
        assert said in shown
    pg.record_event("later")
    done = subprocess.run(
        [sys.executable, "manage.py", "restore", "--latest", "--lang", "en"],
        env=of_another_process(settings) | bucket.environment(),
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "is kept" in done.stdout
    assert pg.keys() == ["copied"]
    assert list((folder().parent / "scratch").iterdir()) == []


OUTAGES: dict[str, tuple[Callable[[S3], None], str]] = {
    "away": (lambda bucket: bucket.gate.leave(), AWAY),
    "frozen": (lambda bucket: bucket.gate.freeze(), AWAY),
    "wrong key": (lambda bucket: bucket.gate.refuse(), REFUSED),
}


@needs_postgresql
@pytest.mark.parametrize("name", OUTAGES)
def test_a_bucket_that_fails_is_named_and_dumps_go_on_by_themselves(
    pg: Dumped, bucket: S3, name: str
) -> None:
    strike, said = OUTAGES[name]
    pg.record_event("before", long_ago())
    pg.engine.make(nobody)
    assert watch.watch().trouble == ""
    strike(bucket)
    assert said in watch.watch().trouble
    assert open_alerts() == set(), "it is not late yet"
    with pytest.raises(Unreachable, match=said):
        pg.engine.make(nobody)
    assert list(folder().glob("*.part")) == []
    BackupState.objects.update(arrived_at=timezone.now() - timedelta(hours=3))
    assert said in watch.watch().trouble
    assert open_alerts() == {"backup.stale"}
    assert try_newest().verdict.startswith(said)
    bucket.gate.come_back()
    BackupState.objects.update(mended_at=None)
    patient().delete("ops")
    watch.watch()
    assert rung() == 1, "what went wrong is not put off until the next dump"
    pg.engine.make(nobody)
    assert watch.watch().trouble == ""
    assert try_newest().ok
    assert open_alerts() == set()
    assert postgres_dumps.why_none(DUMP) is None


def rung() -> int:
    """For a dump."""
    return sum(mend.MAKE_TASK.encode() in each for each in patient().lrange("ops", 0, -1))


@needs_postgresql
def test_a_wiped_bucket_is_told_at_once_and_filled_again(pg: Dumped, bucket: S3) -> None:
    pg.record_event("copied", long_ago())
    pg.engine.make(nobody)
    watch.watch()
    bucket.wipe()
    BackupState.objects.update(mended_at=None, since=long_ago())
    assert "There is no copy yet" in watch.watch().trouble
    assert (open_alerts(), rung()) == ({"backup.stale"}, 1)
    with pytest.raises(NoCopy):
        pg.engine.restore(SCRATCH, None, nobody)
    pg.engine.make(nobody)
    assert watch.watch().trouble == ""
    assert try_newest().ok
    assert open_alerts() == set()


@needs_postgresql
def test_a_dump_that_is_damaged_in_the_bucket_is_made_anew(pg: Dumped, bucket: S3) -> None:
    for number in range(400):
        pg.record_event(f"key {number}", long_ago())
    pg.engine.make(nobody)
    [name] = bucket.names()
    bits = bucket.read(name)
    bucket.write(name, bits[: len(bits) * 2 // 3])
    assert try_newest().verdict.startswith("A copy is damaged or missing")
    assert (open_alerts(), rung()) == ({"backup.invalid"}, 1)
    assert not try_newest().ok
    assert rung() == 1, "once in six hours"
    pg.engine.make(nobody)
    assert try_newest().ok
    assert open_alerts() == set()


@needs_postgresql
def test_old_dumps_are_thinned_out_in_the_bucket(pg: Dumped, bucket: S3) -> None:
    now = datetime.now(UTC)
    ages = {
        "too old": timedelta(days=8),
        "of another day": timedelta(days=3),
        "new": timedelta(hours=2),
    }
    keys = {
        which: f"khronos/postgresql/{now - age:{postgres_dumps.TIME}}-0_0.dump" for which, age in ages.items()
    }
    for key in keys.values():
        bucket.write(key, b"an older one")
    pg.engine.make(nobody)
    names = bucket.names()
    assert [keys[which] in names for which in keys] == [False, True, True]
    assert len(names) == 3
    assert [copy.kind for copy in pg.engine.list_copies()] == ["dump"] * 3
    assert NAME not in pg.databases()
