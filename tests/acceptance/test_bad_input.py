"""What an operator can get wrong: each is told in clear words, and loses nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.instance import ROOT, Instance
from bench.patience import until
from bench.simulator import Simulator
from bench.simulator.telegram.bot import DEFAULT_TOKEN
from tests.acceptance.stage import Stage, clean, exact, figures

DISK_MB = 400
MARGIN_MB = 100  # of free disk, below which /ready says no


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    target = tmp_path / "disk"
    target.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(target)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root's rights")
    yield target
    subprocess.run(["umount", "--lazy", str(target)], check=True)


def alert(khronos: Instance, name: str) -> str:
    """The text of an open alert."""
    rows = khronos.sql("SELECT text FROM khronos_alert WHERE name = ? AND resolved_at IS NULL", name)
    return str(rows[0][0]) if rows else ""


def test_wrong_token_is_told_and_mended_by_a_restart() -> None:
    with Simulator.start() as world, Instance(world, token="7:of-nobody", polling=True) as khronos:
        assert until(lambda: alert(khronos, "poller.default"), 30)
        assert "Telegram refuses the token" in alert(khronos, "poller.default")
        assert "of-nobody" not in khronos.tails(1000)
        asked = len(world.telegram.calls())
        assert asked == 0  # the ledger knows bots only: nobody else was bothered meanwhile
        stage = Stage(world, khronos)
        stage.clear()
        khronos.env["TELEGRAM_BOT_TOKEN"] = khronos.token = DEFAULT_TOKEN
        khronos.restart()
        stage.play(5, 2)
        assert figures(stage.finish()) == exact(10)
        assert until(lambda: not alert(khronos, "poller.default"), 30)
        assert stage.troubles() == clean()


def test_unreachable_bot_api_and_old_model_are_told_and_nothing_is_lost() -> None:
    odd = {"TELEGRAM_API_URL": "http://127.0.0.1:9", "ANTHROPIC_MODEL": "claude-sonnet-4-5"}
    with Simulator.start() as world, Instance(world, env=odd) as khronos:
        assert (
            "⚠ ANTHROPIC_MODEL=claude-sonnet-4-5 ends on 2026-11-30; use claude-sonnet-5-5" in khronos.said()
        )
        stage = Stage(world, khronos)
        stage.clear()
        stage.play(5, 2)
        assert until(
            lambda: stage.count("delivery", "state = 'pending' AND reason LIKE '%not sent%'") == 5, 30
        )
        assert stage.count("delivery", "doubtful OR state = 'failed'") == 0
        khronos.env["TELEGRAM_API_URL"] = world.url
        khronos.restart()
        assert figures(stage.finish()) == exact(10)
        assert stage.troubles() == clean()


def test_full_disk_refuses_what_it_cannot_store_and_recovers(disk: Path) -> None:
    with Simulator.start() as world, Instance(world, home=disk / "home") as khronos:
        stage = Stage(world, khronos)
        stage.clear()
        stage.play(5, 2)
        assert figures(stage.finish()) == exact(10)
        filler = disk / "filler"
        fill(filler)
        stage.play(5, 20, arrival="paced", rate=50)
        assert until(lambda: refused(stage) > 5, 30)
        filler.unlink()
        assert figures(stage.finish(90)) == exact(110)
        assert stage.troubles() == clean()
        assert set(statuses(stage)) == {200, 503}


def fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            return


def statuses(stage: Stage) -> list[int | None]:
    return [attempt.status for update in stage.world.telegram.updates() for attempt in update.attempts]


def refused(stage: Stage) -> int:
    return sum(status == 503 for status in statuses(stage))


def test_database_of_an_older_version_is_brought_up_with_all_it_holds() -> None:
    with Simulator.start() as world, Instance(world) as khronos:
        stage = Stage(world, khronos)
        stage.clear()
        stage.play(5, 2)
        assert figures(stage.finish()) == exact(10)
        answered = stage.count("turn", "state = 'answered'")
        assert khronos.terminate() == 0
        command = [sys.executable, "manage.py", "migrate", "khronos", "0001", "--verbosity", "0"]
        subprocess.run(command, env=khronos.env, cwd=ROOT, check=True, timeout=60)
        khronos.start()
        assert "✓ Migrated the database" in khronos.said()
        assert list((khronos.home.path / "backup").glob("before-migration-*.sqlite3"))
        stage.play(5, 2)
        assert figures(stage.finish()) == exact(20)
        assert stage.troubles() == clean() | {"answers outside of the ledger": answered}  # there was none
