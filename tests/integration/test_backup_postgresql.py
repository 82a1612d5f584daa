"""Dumps of a real PostgreSQL: what is had of them, what a trial finds, what is said when none can be made."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from bench.patience import until
from khronos.backup import engine, mend, postgres_dumps, validate, watch
from khronos.backup import postgres_programs as programs
from khronos.backup import postgres_server as server
from khronos.backup.engine import BackupFailed, Incomplete, NoCopy, NoRoom, Unreachable, nobody
from khronos.backup.postgres_dumps import Dump
from khronos.backup.shelf import folder
from khronos.backup.validate import try_newest
from khronos.backup.verify import verify
from khronos.bus import doorbell
from khronos.management.commands import backup as command
from khronos.models import Alert, BackupCheck, BackupState
from tests.integration.dumped import NAME, Dumped, dumped

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("bus"),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="python -m tests.postgresql runs it"),
]
DEBIAN = Path("/usr/lib/postgresql/15/bin")  # older than the server of the tests
SCRATCH = f"{NAME}_restored"
LONG_AGO = timedelta(minutes=5)
HAS_PGVECTOR = """
    SELECT to_regclass('chunk_meaning') IS NOT NULL, count(*) = 1 FROM pg_extension WHERE extname = 'vector'
"""
DROPPED_PLAINLY = """
    SELECT count(*) FROM pg_stat_activity
    WHERE state = 'active' AND query LIKE 'DROP DATABASE%' AND query NOT LIKE '%(FORCE)%'
"""


@pytest.fixture
def pg(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dumped]:
    """The copied database is another than the one in which alerts are kept: that one is the tests' own."""
    with dumped(tmp_path, settings) as made:
        for module in (engine, validate, watch):
            monkeypatch.setattr(module, "engine", lambda: made.engine)
        yield made


def open_alerts() -> set[str]:
    return set(Alert.objects.open().filter(count__gt=0).values_list("name", flat=True))


def long_ago() -> datetime:
    """Longer than a transaction may last: what is so old was there for every dump."""
    return datetime.now(UTC) - LONG_AGO


def test_what_is_committed_comes_back_and_nothing_that_is_not(pg: Dumped) -> None:
    pg.record_event("first", long_ago())
    with psycopg.connect(**server.parameters(NAME)) as other:
        other.execute("UPDATE khronos_event SET idempotency_key = 'never'")
        copy = pg.engine.make(nobody)
        other.rollback()
    pg.record_event("later")
    restored = pg.engine.restore(SCRATCH, None, nobody)
    assert pg.keys(SCRATCH) == ["first"]
    assert (restored.at, restored.position) == (copy.at, copy.position)
    verdict = verify(pg.engine, SCRATCH, begun=datetime.now(UTC), until=restored.at)
    assert (verdict.problems, verdict.rows["khronos_event"], verdict.behind["khronos_event"]) == ([], 1, 1)


def test_a_moment_between_dumps_is_refused_and_names_those_that_can_be_had(pg: Dumped) -> None:
    pg.record_event("first")
    first = pg.engine.make(nobody)
    pg.record_event("second")
    second = pg.engine.make(nobody)
    with pytest.raises(NoCopy) as refused:
        pg.engine.insist_on_copy(first.at - timedelta(minutes=10))
    assert f"{first.at.astimezone():%Y-%m-%d %H:%M:%S%z}" in str(refused.value)
    pg.engine.restore(SCRATCH, second.at, nobody)
    assert pg.keys(SCRATCH) == ["first", "second"]


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("DELETE FROM khronos_event WHERE id = 20", "1 rows are missing in the copy (20)"),
        ("UPDATE khronos_event SET trace_id = 'other' WHERE id = 7", "1 rows are altered (7)"),
        ("DROP TABLE khronos_delivery CASCADE", "khronos_delivery is missing"),
        (
            "ALTER TABLE khronos_event ADD CONSTRAINT doubtful CHECK (id > 0) NOT VALID",
            "khronos_event: doubtful",
        ),
    ],
)
def test_what_is_missing_or_altered_in_a_copy_is_named(pg: Dumped, harm: str, said: str) -> None:
    for number in range(40):
        pg.record_event(f"key {number}", long_ago())
    copy = pg.engine.make(nobody)
    pg.engine.restore(SCRATCH, None, nobody)
    assert verify(pg.engine, SCRATCH, until=copy.at).problems == []
    pg.execute(harm, place=SCRATCH)
    [problem] = verify(pg.engine, SCRATCH, until=copy.at).problems
    assert said in problem


def test_a_dump_of_which_a_part_is_damaged_is_no_copy(pg: Dumped) -> None:
    for number in range(400):
        pg.record_event(f"key {number}")
    pg.engine.make(nobody)
    [dump] = postgres_dumps.found()
    bits = (folder() / dump.name).read_bytes()
    (folder() / dump.name).write_bytes(bits[: len(bits) * 2 // 3])
    with pytest.raises(Incomplete) as refused:
        pg.engine.restore(SCRATCH, None, nobody)
    assert "backup make" in refused.value.fix
    assert pg.databases() == set(), "what was half restored is gone"


def test_a_trial_is_kept_with_its_figures_and_its_database_is_gone(pg: Dumped) -> None:
    pg.record_event("copied", long_ago())
    pg.engine.make(nobody)
    check = try_newest()
    assert (check.ok, check.rows["khronos_event"], open_alerts()) == (True, 1, set())
    assert check.size > 1_000_000
    assert pg.databases() == set()
    for dump in postgres_dumps.found():
        (folder() / dump.name).write_bytes(b"no dump at all")
    assert not try_newest().ok
    assert open_alerts() == {"backup.invalid"}
    assert pg.databases() == set()


TRIAL = """
import django; django.setup()
from khronos.backup.engine import engine
with engine().scratch() as place:
    engine().restore(place, None, lambda part: None)
    print("restored", flush=True)
    input()
"""


def of_another_process(settings: Settings) -> dict[str, str]:
    home, url = str(settings.KHRONOS_HOME), urlsplit(os.environ["DATABASE_URL"])
    given = {"KHRONOS_HOME": home, "DATABASE_URL": url._replace(path=f"/{NAME}").geturl()}
    return os.environ | given | {"DJANGO_SETTINGS_MODULE": "settings.embedded"}


def test_what_a_killed_trial_left_is_removed_by_the_next(pg: Dumped, settings: Settings) -> None:
    pg.record_event("copied", long_ago())
    pg.engine.make(nobody)
    env, trial = of_another_process(settings), [sys.executable, "-c", TRIAL]
    with subprocess.Popen(trial, env=env, stdin=-1, stdout=-1) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"restored\n"
        beside = try_newest()
        assert not beside.ok
        assert "under way" in beside.verdict
        assert pg.databases() == {SCRATCH}, "the other's is left to him"
        other.kill()
    assert until(lambda: not server.clients(SCRATCH), 20)
    assert pg.databases() == {SCRATCH}
    assert try_newest().ok
    assert pg.databases() == set()


def test_the_first_dump_is_rung_for_at_once_and_the_next_when_it_is_due(
    pg: Dumped, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(doorbell, "call", lambda task, _queue: rung.append(task))

    def looked() -> list[str]:
        BackupState.objects.update(mended_at=None)
        BackupCheck.objects.create(ok=True, ended_at=datetime.now(UTC))
        rung.clear()
        watch.watch()
        return list(rung)

    assert looked() == [mend.MAKE_TASK]
    rung.clear()
    watch.watch()
    assert rung == [], "it is being made"
    pg.engine.make(nobody)
    assert looked() == []
    aged(postgres_dumps.found()[0], timedelta(minutes=61))
    assert looked() == [mend.MAKE_TASK]


def aged(dump: Dump, by: timedelta) -> None:
    at = f"{dump.at - by:{postgres_dumps.TIME}}"
    (folder() / dump.name).rename(folder() / (at + dump.name[len(at) :]))


def test_a_dump_that_was_missed_is_an_alert_until_one_is_made(pg: Dumped, settings: Settings) -> None:
    pg.engine.make(nobody)
    watch.watch()
    aged(postgres_dumps.found()[0], timedelta(minutes=110))
    assert watch.watch().age_s > 6000
    assert open_alerts() == set(), "the second one is not missed yet"
    aged(postgres_dumps.found()[0], timedelta(minutes=15))
    watch.watch()
    assert open_alerts() == {"backup.stale"}
    pg.engine.make(nobody)
    watch.watch()
    assert open_alerts() == set()


def test_why_no_dump_can_be_made_is_told_until_one_is(pg: Dumped, settings: Settings) -> None:
    ours = settings.POSTGRESQL_BIN
    settings.POSTGRESQL_BIN = "/nowhere"
    with pytest.raises(BackupFailed):
        pg.engine.make(nobody)
    BackupState.objects.create(pk=1)
    BackupState.objects.update(since=long_ago())
    assert "pg_dump is missing" in watch.watch().trouble
    assert open_alerts() == {"backup.stale"}
    settings.POSTGRESQL_BIN = ours
    pg.engine.make(nobody)
    assert watch.watch().trouble == ""
    assert open_alerts() == set()


def test_missing_programs_are_named_with_the_version_that_is_wanted(pg: Dumped, settings: Settings) -> None:
    settings.POSTGRESQL_BIN = "/nowhere"
    for deed in (lambda: pg.engine.make(nobody), lambda: programs.program("pg_restore")):
        with pytest.raises(BackupFailed) as refused:
            deed()
        assert "is missing" in str(refused.value)
        assert f"PostgreSQL {server.major()}" in refused.value.fix
    assert postgres_dumps.found() == []


@pytest.mark.skipif(not DEBIAN.exists(), reason="no older PostgreSQL is installed")
def test_programs_older_than_the_server_are_named(pg: Dumped, settings: Settings) -> None:
    settings.POSTGRESQL_BIN = str(DEBIAN)
    with pytest.raises(BackupFailed) as refused:
        pg.engine.make(nobody)
    assert f"is of version 15, and the server of version {server.major()}" in str(refused.value)


def test_a_role_that_may_not_make_databases_is_told_the_statement(pg: Dumped) -> None:
    pg.engine.make(nobody)
    pg.execute("DROP ROLE IF EXISTS khronos_small")
    pg.execute("CREATE ROLE khronos_small LOGIN IN ROLE pg_read_all_data")
    given = connection.settings_dict["USER"]
    connection.settings_dict["USER"] = "khronos_small"
    try:
        pg.engine.make(nobody)
        with pytest.raises(BackupFailed) as refused:
            pg.engine.restore(SCRATCH, None, nobody)
    finally:
        connection.settings_dict["USER"] = given
        pg.execute("DROP ROLE khronos_small")
    assert "ALTER ROLE khronos_small CREATEDB" in refused.value.fix
    assert pg.databases() == set()


def test_without_any_copy_the_commands_say_so_and_name_no_age(
    pg: Dumped, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "engine", lambda: pg.engine)
    with pytest.raises(CommandError, match="backup make` makes one"):
        call_command("backup", "list", "--lang", "en")
    BackupState.now()
    with pytest.raises(SystemExit):
        call_command("backup", "status", "--lang", "en")
    assert "There is no copy yet." in (said := capsys.readouterr().out)
    assert "Newest copy" not in said


def test_a_place_that_is_taken_is_refused_before_anything_else(pg: Dumped) -> None:
    with pytest.raises(BackupFailed, match=f"{NAME} is there already"):
        pg.engine.restore(NAME, None, nobody)
    assert pg.databases() == set()


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("ERROR:  permission denied to use replication slots", "ALTER ROLE {role} REPLICATION"),
        ("FATAL:  permission denied to start WAL sender", "ALTER ROLE {role} REPLICATION"),
        (
            "FATAL:  no pg_hba.conf entry for replication connection",
            "{role} a line in the server's pg_hba.conf",
        ),
        ("ERROR:  permission denied for table khronos_event", "make {role} the owner of the database"),
        ("ERROR:  permission denied to create database", "ALTER ROLE {role} CREATEDB"),
    ],
)
def test_each_missing_right_is_named(said: str, fix: str) -> None:
    role = connection.settings_dict["USER"] or "khronos"
    assert fix.format(role=role) in programs.meant(f"pg_tool: error: {said}").fix


@pytest.fixture
def small_role(pg: Dumped) -> Iterator[str]:
    """Of whom each question is now: it may make databases, and nothing else."""
    pg.execute("DROP ROLE IF EXISTS khronos_small")
    pg.execute("CREATE ROLE khronos_small LOGIN CREATEDB")
    given = connection.settings_dict["USER"]
    connection.settings_dict["USER"] = "khronos_small"
    try:
        yield given
    finally:
        connection.settings_dict["USER"] = given
        server.drop(SCRATCH)
        pg.execute("DROP ROLE khronos_small")


def test_pgvectors_index_comes_back_where_the_role_may_have_it(pg: Dumped) -> None:
    pg.execute("CREATE EXTENSION IF NOT EXISTS vector")
    pg.engine.make(nobody)
    pg.engine.restore(SCRATCH, None, nobody)
    assert pg.execute(HAS_PGVECTOR, place=SCRATCH) == [(True, True)]


def test_pgvector_that_an_administrator_gave_keeps_no_copy_from_coming_back(
    pg: Dumped, request: pytest.FixtureRequest
) -> None:
    pg.record_event("kept")
    pg.engine.make(nobody)
    assert pg.execute(HAS_PGVECTOR) == [(True, True)]
    request.getfixturevalue("small_role")
    pg.engine.restore(SCRATCH, None, nobody)
    assert (pg.keys(SCRATCH), pg.engine.complaints(SCRATCH)) == (["kept"], [])
    assert pg.execute(HAS_PGVECTOR, place=SCRATCH) == [(False, False)]


def test_whom_only_an_administrator_may_end_does_not_keep_a_database(pg: Dumped, small_role: str) -> None:
    """The server's own vacuum, which looks at what was just restored; an administrator stands for it here."""
    server.make(SCRATCH, like=NAME)
    administrator = {"user": small_role}
    with (
        psycopg.connect(**server.parameters("postgres") | administrator, autocommit=True) as looking,
        psycopg.connect(**server.parameters(SCRATCH) | administrator) as vacuum,
        ThreadPoolExecutor(1) as threads,
    ):
        dropped = threads.submit(server.drop, SCRATCH)
        assert until(lambda: looking.execute(DROPPED_PLAINLY).fetchone() == (1,), 20)
        vacuum.close()
        dropped.result(20)
    assert pg.databases() == set()


def test_a_server_that_is_away_is_named(pg: Dumped) -> None:
    given = connection.settings_dict["HOST"]
    connection.settings_dict["HOST"] = "/nowhere"
    try:
        for deed in (lambda: pg.engine.make(nobody), lambda: pg.engine.size(NAME)):
            with pytest.raises(Unreachable) as refused:
                deed()
            assert "DATABASE_URL" in refused.value.fix
    finally:
        connection.settings_dict["HOST"] = given


@pytest.fixture
def small_disk(pg: Dumped) -> Iterator[Path]:
    place = folder()
    place.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_named_and_leaves_what_is_there(pg: Dumped, small_disk: Path) -> None:
    pg.record_event("first")
    pg.engine.make(nobody)
    whole = postgres_dumps.found()
    pg.execute(
        "INSERT INTO khronos_event (event_id, type, trace_id, idempotency_key, timestamp, payload)"
        " SELECT gen_random_uuid(), 'much', '', gen_random_uuid(), now(), '{}' FROM generate_series(1, 40000)"
    )
    with pytest.raises(NoRoom) as refused:
        pg.engine.make(nobody)
    assert "make room" in refused.value.fix
    assert "The disk is full" in (postgres_dumps.why_none("dump") or [""])[0]
    assert postgres_dumps.found() == whole
    pg.execute("DELETE FROM khronos_event WHERE type = 'much'")
    pg.engine.make(nobody)
    assert [len(postgres_dumps.found()), list(small_disk.glob("*.part"))] == [2, []]
    assert postgres_dumps.why_none("dump") is None
