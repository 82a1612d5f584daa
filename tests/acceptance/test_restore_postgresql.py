"""PostgreSQL brought back amid conversations, by dump or journal: nobody is answered twice or forgotten."""

import pytest

from bench.patience import until
from tests.acceptance.grown import OnPostgresql, on_postgresql
from tests.acceptance.stage import Stage
from tests.acceptance.test_restore import (
    amid,
    asked_anew,
    file_of,
    manage,
    middle_of_play,
    restored,
    sent_file,
)

BESIDE = "SELECT datname FROM pg_database WHERE starts_with(datname, 'postgres_')"


def beside(stage: Stage) -> list[str]:
    return [str(row[0]) for row in stage.khronos.sql(BESIDE)]


def copied(stage: Stage) -> list[int]:
    """A dump in the middle of conversations that go on; answers their chats."""
    assert until(lambda: list((stage.khronos.home.path / "backup").glob("postgresql/*.dump")), 60)
    chats = middle_of_play(stage)
    made = manage(stage, "backup", "make")
    assert made.returncode == 0, made.stdout + made.stderr
    stage.after(70)
    return chats


@pytest.mark.parametrize("mode", ["edit", "send"])
def test_restore_of_a_dump_amid_conversations_repeats_and_forgets_nothing(mode: str) -> None:
    with on_postgresql({"TELEGRAM_DELIVERY_MODE": mode}) as stage:
        bits = sent_file(stage)
        chats = copied(stage)
        assert "is kept" in restored(stage, "--latest", "--stop")
        assert file_of(stage) == bits
        [kept] = beside(stage)
        assert kept.startswith("postgres_before_")
        stage.khronos.start()
        texts = asked_anew(stage, chats)
        verdict = stage.finish(60)
        assert (verdict.repeated, verdict.lost, verdict.misdirected) == ([], [], []), verdict.table()
        assert verdict.answered == verdict.sent == 72 + len(texts)
        assert stage.khronos.sql("SELECT count(*) FROM khronos_deadletter")[0][0] == 0
        assert "0 are held" in stage.khronos.said()


def test_it_refuses_while_somebody_is_connected_and_changes_nothing() -> None:
    """Khronos itself, or another program: what it would still write would be lost without a word."""
    with on_postgresql({}) as stage:
        assert manage(stage, "backup", "make").returncode == 0
        running = stage.khronos.ps()
        done = manage(stage, "restore", "--latest")
        assert (done.returncode, "make down" in done.stderr, "--stop" in done.stderr) == (1, True, True)
        assert [row["pid"] for row in stage.khronos.ps()] == [row["pid"] for row in running]
        assert isinstance(stage.khronos, OnPostgresql)
        with stage.khronos.cluster.connected("somebody else"):
            done = manage(stage, "restore", "--latest", "--stop")
        assert done.returncode == 1
        assert "somebody else" in done.stderr
        assert beside(stage) == []
        done = manage(stage, "restore", "--latest")
        assert done.returncode == 0, done.stderr
        assert len(beside(stage)) == 1


def test_restore_to_a_moment_by_the_journal_repeats_and_forgets_nothing() -> None:
    with on_postgresql({"BACKUP_JOURNAL": "1"}) as stage:
        assert until(lambda: manage(stage, "backup", "make").returncode == 0, 60)
        chats = middle_of_play(stage)
        said = restored(stage, "--at", amid(stage), "--stop")
        assert "not in it, from the last" in said
        stage.khronos.start()
        texts = asked_anew(stage, chats)
        verdict = stage.finish(60)
        assert (verdict.repeated, verdict.lost, verdict.misdirected) == ([], [], []), verdict.table()
        assert verdict.answered == verdict.sent == 72 + len(texts)
        assert stage.khronos.sql("SELECT count(*) FROM khronos_deadletter")[0][0] == 0
        status = manage(stage, "backup", "status")
        assert status.returncode == 0, status.stdout
        assert "journal" in {row["name"] for row in stage.khronos.ps()}
