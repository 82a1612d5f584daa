"""A restore in the middle of conversations: nothing is answered twice, nobody is forgotten without a word."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Any

import pytest

from bench.instance import ROOT
from bench.patience import until
from tests.acceptance.conftest import house
from tests.acceptance.stage import Stage

BOTH = pytest.mark.parametrize("mode", ["edit", "send"])
CHATS = 12
FILE_CHAT = 7


def staged(mode: str) -> Stage:
    """A second is what may be lost here, so that a test need not wait for ten."""
    return house.open(env={"LITESTREAM_SYNC_S": "1", "TELEGRAM_DELIVERY_MODE": mode})


def manage(stage: Stage, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(
        command, env=stage.khronos.env, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False
    )


def middle_of_play(stage: Stage) -> list[int]:
    """Twelve people write for nine seconds, and each answer takes a second to think; answers their chats."""
    stage.world.models.think(1.0)
    play = stage.play(CHATS, 6, arrival="paced", rate=8)
    stage.after(60)
    return sorted({update.chat_id for update in play.updates.values()})


def amid(stage: Stage) -> str:
    """When the sixtieth message was accepted: its answer, and those of others, were a second away."""
    accepted = sorted(update.accepted_at or inf for update in stage.world.telegram.updates())
    return datetime.fromtimestamp(accepted[59], UTC).isoformat(" ")


def sent_file(stage: Stage) -> bytes:
    """What somebody sends is bytes in rows, and so in every copy."""
    bits = os.urandom(300_000)
    stage.world.telegram.document(FILE_CHAT, "contract.bin", bits, mime_type="application/octet-stream")
    assert until(lambda: file_of(stage) == bits, 30)
    return bits


def file_of(stage: Stage) -> bytes:
    rows = stage.khronos.sql("SELECT raw FROM khronos_piece ORDER BY attachment_id, number")
    return b"".join(bytes(row[0]) for row in rows)


def asked_anew(stage: Stage, chats: list[int]) -> list[str]:
    """Each writes once more, and is answered."""
    texts = [stage.say(chat, 90 + number % 10) for number, chat in enumerate(chats)]
    stage.world.models.think(0.0)

    def is_answered() -> bool:
        verdict = stage.world.verdict()
        return not set(texts) & {*verdict.lost, *verdict.undelivered}

    assert until(is_answered, 60, every=0.2), stage.world.verdict().table()
    return texts


def restored(stage: Stage, *words: str) -> str:
    done = manage(stage, "restore", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert stage.khronos.process is not None
    stage.khronos.process.wait(45)
    return done.stdout


def kept_of(stage: Stage) -> list[Path]:
    return sorted(stage.khronos.home.path.glob("khronos.sqlite3.before-????????-??????"))


@BOTH
def test_restore_to_a_moment_amid_conversations_repeats_and_forgets_nothing(mode: str) -> None:
    """The database of before is there: what it knows is not done again, what it had not done is."""
    stage = staged(mode)
    chats = middle_of_play(stage)
    said = restored(stage, "--at", amid(stage), "--stop")
    assert "is kept" in said
    stage.khronos.start()
    texts = asked_anew(stage, chats)
    verdict = stage.finish(60)
    assert (verdict.repeated, verdict.lost, verdict.misdirected) == ([], [], []), verdict.table()
    assert verdict.answered == verdict.sent == 72 + len(texts)
    assert stage.khronos.sql("SELECT count(*) FROM khronos_deadletter")[0][0] == 0
    assert "0 are held" in stage.khronos.said()


@BOTH
def test_what_may_have_been_answered_is_held_where_nobody_can_know(mode: str) -> None:
    """Without the database of before: open work is listed and not answered blindly; new words are."""
    stage = staged(mode)
    chats = middle_of_play(stage)
    restored(stage, "--at", amid(stage), "--stop")
    for kept in kept_of(stage):
        kept.unlink()
    stage.khronos.start()
    asked_anew(stage, chats)
    assert until(lambda: not stage.troubles()["unsettled turns"], 60)
    assert stage.world.verdict().repeated == []
    held = stage.khronos.sql(
        "SELECT (SELECT count(*) FROM khronos_deadletter WHERE reason LIKE 'restored: %')"
        " + (SELECT count(*) FROM khronos_update WHERE state = 'quarantined' AND reason LIKE 'restored: %')"
    )[0][0]
    assert held > 0
    assert f"{held} are held" in stage.khronos.said()
    alerts = stage.khronos.sql("SELECT count(*) FROM khronos_alert WHERE name = 'restore.doubtful'")
    assert alerts == [(1,)]


def test_latest_after_a_power_cut_comes_back_whole() -> None:
    stage = staged("edit")
    bits = sent_file(stage)
    assert manage(stage, "backup", "make").returncode == 0
    chats = middle_of_play(stage)
    for process in stage.khronos.all_processes():
        process.kill()
    said = restored(stage, "--latest")
    assert "whole" in said
    assert file_of(stage) == bits
    [kept] = kept_of(stage)[-1:]
    assert kept.stat().st_mode & 0o077 == 0
    stage.khronos.start()
    asked_anew(stage, chats)
    verdict = stage.finish(60)
    assert (verdict.repeated, verdict.lost) == ([], []), verdict.table()


def test_it_refuses_while_khronos_runs_and_changes_nothing() -> None:
    stage = staged("edit")
    before: list[dict[str, Any]] = stage.khronos.ps()
    done = manage(stage, "restore", "--latest")
    assert done.returncode == 1
    assert "make down" in done.stderr
    assert "--stop" in done.stderr
    assert [row["pid"] for row in stage.khronos.ps()] == [row["pid"] for row in before]
    assert json.dumps(done.stdout) == '""'
