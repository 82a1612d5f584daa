"""PostgreSQL's journal in a bucket: any moment comes back on a machine that has nothing else."""

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection
from pytest_django import Settings

from bench.patience import until
from khronos.backup import postgres_dumps, postgres_journal, postgres_private
from khronos.backup import postgres_server as server
from khronos.backup.bucket import Bucket
from khronos.backup.engine import BackupFailed, NoCopy, nobody
from khronos.backup.validate import try_newest
from tests.integration.copied import point_at
from tests.integration.dumped import Dumped
from tests.integration.test_backup_journal import journaled, receiving
from tests.integration.test_backup_postgresql import SCRATCH, long_ago
from tests.s3 import S3

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("bus"),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="python -m tests.postgresql runs it"),
]
SYNC_S = 2.0
SLACK_S = 2.0  # pressing and sending a piece, on a machine that does other things, too
ROUNDS = 5


@pytest.fixture
def pg(tmp_path: Path, settings: Settings, bucket: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dumped]:
    given = bucket.environment() | {"LITESTREAM_SYNC_S": str(SYNC_S)}
    point_at(settings, given)
    settings.BACKUP_PATIENCE_S = 2.0
    for name, value in given.items():  # for the process that receives
        monkeypatch.setenv(name, value)
    with journaled(tmp_path, settings, monkeypatch) as made:
        yield made


def lose_the_machine(settings: Settings) -> None:
    shutil.rmtree(Path(settings.BACKUP_FOLDER))


def test_any_moment_comes_back_on_a_new_machine(pg: Dumped, bucket: S3, settings: Settings) -> None:
    with receiving(settings):
        pg.engine.make(nobody)
        pg.record_event("first", long_ago())
        pg.execute("SELECT pg_switch_wal()")
        pg.record_event("second", long_ago())
        pg.engine.sync_now(8.0)
        time.sleep(0.2)
        [[between]] = pg.execute("SELECT clock_timestamp()")
        time.sleep(0.2)
        pg.record_event("third", long_ago())
        assert pg.engine.age() < SYNC_S + SLACK_S
        assert try_newest().ok
        pieces = [name for name in bucket.names() if "/journal/" in name]
        assert [len(pieces), sum(".partial." in name for name in pieces)] in ([2, 1], [3, 1])
    lose_the_machine(settings)
    then = pg.engine.restore(SCRATCH, between, nobody)
    assert pg.keys(SCRATCH) == ["first", "second"]
    assert then.at <= between
    server.drop(SCRATCH)
    pg.engine.restore(SCRATCH, None, nobody)
    assert pg.keys(SCRATCH) == ["first", "second", "third"]
    assert {copy.kind for copy in pg.engine.list_copies()} == {"dump", "whole", "changes"}
    assert list((Path(settings.BACKUP_FOLDER) / "scratch").iterdir()) == []
    assert not postgres_private.folder().exists()


ERA, BASE = "era-20261122T010000.000000", "base-20261122T010001.000000"
SEGMENT, NEXT = "000000010000000000000002", "000000010000000000000003"


class Overtaken(Bucket):
    """The receiver fills a piece, and begins the next, between a list and what is fetched by it."""

    def fetch(self, name: str, to: Path) -> None:
        if ".partial." in name and SEGMENT in name:
            write_piece(self, f"{SEGMENT}.gz", b"full")
            write_piece(self, f"{NEXT}.partial.00000000_03000010.gz", b"next")
            self.remove(name)
        super().fetch(name, to)


def write_piece(shelf: Bucket, name: str, bits: bytes) -> None:
    draft = Path(django_settings.BACKUP_FOLDER) / "piece"
    draft.write_bytes(gzip.compress(bits))
    shelf.put(draft, f"{ERA}/journal/{name}", nobody)


def test_a_piece_that_is_filled_while_it_is_fetched_is_not_taken_for_missing(
    pg: Dumped, bucket: S3, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Overtaken(settings.BACKUP_REPLICA_URL, settings.BACKUP_ENVIRONMENT)
    Path(settings.BACKUP_FOLDER).mkdir()
    manifest = {"WAL-Ranges": [{"Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000100"}]}
    bucket.write(f"khronos/postgresql/{ERA}/{BASE}/backup_manifest", json.dumps(manifest).encode())
    write_piece(shelf, f"{SEGMENT}.partial.00000000_02000200.gz", b"half")
    monkeypatch.setattr(postgres_dumps, "shelf", lambda: shelf)
    [base] = postgres_journal.bases()
    with postgres_journal.at_hand(base) as there:
        found = {path.name: path.read_bytes() for path in there.journal.iterdir()}
    assert found == {SEGMENT: b"full", f"{NEXT}.partial": b"next"}


STRIKES: dict[str, tuple[Callable[[S3], None], str]] = {
    "away": (lambda bucket: bucket.gate.leave(), "does not answer"),
    "wrong key": (lambda bucket: bucket.gate.refuse(), "refuses us"),
}


@pytest.mark.parametrize("name", ["away", pytest.param("wrong key", marks=pytest.mark.slow)])
def test_a_bucket_that_fails_is_named_and_the_journal_goes_on_by_itself(
    pg: Dumped, bucket: S3, settings: Settings, name: str
) -> None:
    strike, said = STRIKES[name]
    with receiving(settings) as receiver:
        pg.engine.make(nobody)
        strike(bucket)
        pg.record_event("meanwhile")
        for deed in (pg.engine.age, lambda: pg.engine.sync_now(1.0)):
            with pytest.raises(BackupFailed, match=said):
                deed()
        bucket.gate.come_back()
        assert until(lambda: arrives(pg), 20, every=0.3)
        assert receiver.poll() is None
        assert len(postgres_journal.eras()) == 1
    pg.engine.restore(SCRATCH, None, nobody)
    assert pg.keys(SCRATCH) == ["meanwhile"]


def arrives(pg: Dumped) -> bool:
    try:
        return pg.engine.sync_now(1.0) == 0.0
    except BackupFailed:
        return False


@pytest.mark.slow
def test_a_wiped_bucket_begins_another_era(pg: Dumped, bucket: S3, settings: Settings) -> None:
    with receiving(settings) as receiver:
        pg.engine.make(nobody)
        bucket.wipe()
        with pytest.raises(NoCopy):
            pg.engine.age()
        assert receiver.wait(15) == 1, "the supervisor starts it anew"
    with receiving(settings):
        assert pg.engine.is_due()
        pg.engine.make(nobody)
        pg.record_event("anew")
        assert pg.engine.age() < SYNC_S + SLACK_S
    lose_the_machine(settings)
    pg.engine.restore(SCRATCH, None, nobody)
    assert pg.keys(SCRATCH) == ["anew"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_machine_that_is_lost_costs_no_more_than_the_interval(pg: Dumped, settings: Settings) -> None:
    chance, lost_s = random.Random(1), []
    for number in range(ROUNDS):
        with receiving(settings) as receiver:
            if not number:
                pg.engine.make(nobody)
            is_over = threading.Event()
            writer = threading.Thread(target=write, args=(pg, is_over))
            writer.start()
            time.sleep(chance.uniform(1.5, 6.0))
            for pid in (*children(receiver.pid), receiver.pid):
                os.kill(pid, signal.SIGKILL)
            is_over.set()
            writer.join(10)
            [[last]] = pg.execute("SELECT max(timestamp) FROM khronos_event")
        lose_the_machine(settings)
        pg.engine.restore(SCRATCH, None, nobody)
        [[copied]] = pg.execute("SELECT max(id) FROM khronos_event", place=SCRATCH)
        [[first]] = pg.execute(f"SELECT min(timestamp) FROM khronos_event WHERE id > {copied or 0}")
        lost_s.append(round((last - (first or last)).total_seconds(), 2))
        server.drop(SCRATCH)
        with receiving(settings):
            pg.engine.make(nobody)  # of the era that begins
    print("lost", lost_s, "s")  # noqa: T201
    assert max(lost_s) < SYNC_S + SLACK_S, lost_s


def write(pg: Dumped, is_over: threading.Event) -> None:
    while not is_over.wait(0.02):
        pg.record_event(os.urandom(4).hex())


def children(pid: int) -> list[int]:
    said = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(each) for each in said.split()]
