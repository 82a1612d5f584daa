"""A whole Khronos without its bucket for two minutes: told in time, healed by itself, nothing lost."""

import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from bench.instance import ROOT, Instance
from bench.patience import until
from bench.simulator import Simulator
from tests.acceptance.stage import Stage, exact, figures
from tests.acceptance.test_backup_kills import times
from tests.s3 import S3

pytestmark = [pytest.mark.slow, pytest.mark.timeout(480)]
AWAY_S = 120.0
TOLD_S = 60.0 + 30.0 + 8.0 + 12.0  # stale, the next look, its patience; a busy machine
HEALED_S = 90.0  # Litestream's own wait, and the next look
STALE = "SELECT resolved_at IS NULL FROM khronos_alert WHERE name = 'backup.stale' ORDER BY id DESC LIMIT 1"


def manage(khronos: Instance, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(
        command, env=khronos.env, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False
    )


@pytest.mark.parametrize("strike", ["leave", "freeze"])
def test_two_minutes_without_the_bucket_are_told_and_cost_nothing(
    bucket: S3, strike: str, record_property: Callable[[str, object], None]
) -> None:
    with Simulator.start() as world, Instance(world, env=bucket.environment()) as khronos:
        stage = Stage(world, khronos)
        stage.clear()
        assert until(lambda: manage(khronos, "backup", "status").returncode == 0, 60, every=1.0)
        getattr(bucket.gate, strike)()
        gone = time.monotonic()
        stage.play(10, 10, arrival="paced", rate=1)
        assert until(lambda: khronos.sql(STALE) == [(1,)], TOLD_S, every=0.5)
        told_s = time.monotonic() - gone
        said = manage(khronos, "backup", "status", "--lang", "en")
        assert said.returncode == 1
        assert "Where the copies lie does not answer" in said.stdout
        assert "❌" in next(
            line for line in manage(khronos, "validate").stdout.splitlines() if "ackup" in line
        )
        time.sleep(max(0.0, gone + AWAY_S - time.monotonic()))
        bucket.gate.come_back()
        back = time.monotonic()
        assert until(lambda: khronos.sql(STALE) == [(0,)], HEALED_S, every=0.5)
        healed_s = time.monotonic() - back
        assert figures(stage.finish(60)) == exact(100)
        copy = khronos.folder / "copy.sqlite3"
        restored = manage(khronos, "restore", "--latest", "--to", str(copy), "--lang", "en")
        assert restored.returncode == 0, restored.stdout + restored.stderr
        assert len(times(str(copy))) > 300
        assert stage.restarts() == 0
    print(f"{strike}: told after {told_s:.0f} s, over {healed_s:.0f} s after its return")  # noqa: T201
    record_property("told_s", told_s)
    record_property("healed_s", healed_s)
