"""A database of the tests that a real Litestream copies into a folder, or into a bucket."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.db import connection
from pytest_django import Settings

from khronos.backup import configured, program
from khronos.backup.engine import BackupFailed
from khronos.backup.litestream import Litestream
from khronos.launch import state
from khronos.launch.home import Home
from khronos.resilience.identity import Identity
from khronos.resilience.roster import Entry
from settings.databases import SQLITE_PRAGMAS
from settings.dotenv import ROOT
from tests.s3 import S3

READY_S = 10.0


class Keeper:
    """Litestream beside one database, stopped and started at will."""

    def __init__(self, database: Path) -> None:
        self.engine = Litestream(str(database))
        self.process: subprocess.Popen[bytes] | None = None
        self.config = configured.whole_wanted().with_name("litestream.yml")

    def launch(self) -> None:
        self.config.write_text(configured.litestream_yml(self.engine.live))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "khronos.launch.litestream", str(self.config)],
            cwd=ROOT,
            env=configured.environment() | {"PATH": os.path.dirname(program.path())},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def start(self) -> None:
        """Until what is there has been copied."""
        self.launch()
        deadline = time.monotonic() + READY_S
        while True:
            try:
                self.engine.sync_now(5.0)  # where everything is there already, `age` asks nobody
                self.engine.age()
                return
            except BackupFailed:
                assert time.monotonic() < deadline, "litestream did not begin"
                time.sleep(0.05)

    def enlist(self) -> None:
        """So that it is found, and started anew: by `await_anew`, in the supervisor's place."""
        assert self.process is not None
        it = Identity.of(self.process.pid)
        assert it is not None
        state.save(Home(self.config.parents[1]), [Entry("litestream", it.pid, it.started, "running", 0)])

    def await_anew(self) -> None:
        assert self.process is not None
        assert self.process.wait(10) is not None
        self.start()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def execute(self, query: str, *values: object) -> None:
        with closing(sqlite3.connect(self.engine.live)) as live, live:
            live.executescript(SQLITE_PRAGMAS)
            live.execute(query, values)


@contextmanager
def copied(folder: Path, settings: Settings, bucket: S3 | None = None) -> Iterator[Keeper]:
    """With every table of ours, as the migrations of the tests have made them."""
    settings.KHRONOS_HOME = folder
    settings.BACKUP_FOLDER = folder / "backup"
    settings.BACKUP_SYNC_S = 1.0
    point_at(settings, bucket.environment() if bucket else {})
    (folder / "run").mkdir()
    database = folder / "khronos.sqlite3"
    connection.ensure_connection()
    with closing(sqlite3.connect(database, isolation_level=None)) as made:
        made.executescript(SQLITE_PRAGMAS)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
                " AND name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow')"
            )
            for (statement,) in cursor.fetchall():
                made.execute(statement)
    keeper = Keeper(database)
    keeper.start()
    try:
        yield keeper
    finally:
        keeper.kill()


def point_at(settings: Settings, environment: dict[str, str]) -> None:
    """What `settings/backup.py` makes of an operator's variables."""
    settings.BACKUP_REPLICA_URL = environment.get("LITESTREAM_REPLICA_URL", "")
    settings.BACKUP_ENVIRONMENT = {k: value for k, value in environment.items() if k.startswith("AWS_")}


def record_event(keeper: Keeper, key: str, at: str | None = None) -> None:
    keeper.execute(
        "INSERT INTO khronos_event (event_id, type, trace_id, idempotency_key, timestamp, payload)"
        " VALUES (?, 'outbox.message.sent', 'trace', ?, coalesce(?, strftime('%Y-%m-%d %H:%M:%f')), ?)",
        os.urandom(16).hex(), key, at, json.dumps({}),
    )  # fmt: skip


def keys(place: str) -> list[str]:
    with closing(sqlite3.connect(place)) as found:
        return [row[0] for row in found.execute("SELECT idempotency_key FROM khronos_event ORDER BY id")]
