"""A database brought back by the operator's command from a folder and from an S3: time and memory."""

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from bench.measure import Measure, Target
from bench.processes import ROOT
from bench.site import Site, site
from bench.system import MIB, family
from khronos.backup.program import notes
from tests import s3

SIZE_MB, QUICK_SIZE_MB = 1000, 100
RESTORED_S = Target(at_least=60, goal=30, less_is_better=True)
MEMORY_MB = Target(at_least=500, goal=350, less_is_better=True)
SAMPLED_EVERY_S = 0.05


def run(quick: bool) -> list[Measure]:
    with site() as place, s3.started() as bucket:
        size_mb = QUICK_SIZE_MB if quick else SIZE_MB
        place.run("bench.inside", "bench.copies", "--fill", str(size_mb))
        direct = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{bucket.port}"}
        return [
            *measured(place, "a folder", {}, size_mb),
            *measured(place, "S3", bucket.environment() | direct, size_mb),
        ]


def measured(place: Site, name: str, where: Mapping[str, str], size_mb: int) -> list[Measure]:
    place.env |= where
    shutil.rmtree(notes(str(place.folder / "khronos.sqlite3")), ignore_errors=True)
    copied = place.run("bench.inside", "bench.copies")
    seconds, memory_mb, said = restored(place, place.folder / "restored.sqlite3")
    details = {**copied, "said": said}
    return [
        Measure(f"{size_mb} MB restored from {name}", seconds, "s", target=RESTORED_S, details=details),
        Measure("    the most memory for it", memory_mb, "MB", target=MEMORY_MB),
    ]


def restored(place: Site, to: Path) -> tuple[float, float, str]:
    """As a whole: restored, looked at page by page, compared in rows."""
    command = [sys.executable, "manage.py", "restore", "--latest", "--to", str(to), "--lang", "en"]
    began, most = time.monotonic(), 0.0
    with subprocess.Popen(command, env=place.env, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            most = max(most, resident_mb(process.pid))
            time.sleep(SAMPLED_EVERY_S)
        seconds = time.monotonic() - began
        assert process.stdout is not None
        said = process.stdout.read()
    if process.returncode:
        raise RuntimeError(said)
    to.unlink()
    return seconds, most, said


def resident_mb(pid: int) -> float:
    """Of the command and of Litestream below it."""
    total = 0
    with suppress(psutil.Error):
        for each in family(pid):
            with suppress(psutil.Error):
                total += psutil.Process(each).memory_info().rss
    return total / MIB
