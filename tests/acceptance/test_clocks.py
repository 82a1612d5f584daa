"""A clock that is two hours off, or jumps: leases are the database's, so nobody waits or works twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.instance import Instance
from bench.simulator import Simulator
from tests.acceptance.conftest import EDIT
from tests.acceptance.grown import on_postgresql
from tests.acceptance.stage import Stage, clean, exact, figures
from tests.conftest import missing

LIBRARY = "*/faketime/libfaketimeMT.so.1"  # of Debian's libfaketime, under /usr/lib
TWO_HOURS_S = 7200
SOON_S = 20  # below any lease

# Python imports it first. libfaketime 0.9.10 would fail the absolute waits of time.sleep().
INSIDE = """
import os, select, sys, time
if os.environ.get("KHRONOS_PROCESS") in {names!r} and "manage.py" in sys.orig_argv:
    if "LD_PRELOAD" not in os.environ:
        os.environ |= {environment!r}
        os.execv(sys.executable, sys.orig_argv)
    time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""


class Clock:
    """Of some processes; the others have the machine's."""

    def __init__(self, folder: Path, *names: str) -> None:
        library = next(Path("/usr/lib").glob(LIBRARY), None)
        if library is None:
            missing("libfaketime")
        self._offset = folder / "offset"
        self.set(0)
        environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # or threads wait for each other in a busy loop
            "NO_FAKE_STAT": "1",
        }
        (folder / "sitecustomize.py").write_text(INSIDE.format(names=names, environment=environment))
        self.env = {"PYTHONPATH": str(folder)}

    def set(self, seconds: int) -> None:
        """Renamed into its place: half a number must not be read."""
        draft = self._offset.with_suffix(".draft")
        draft.write_text(f"{seconds:+d}\n")
        draft.replace(self._offset)


@contextmanager
def with_clock(clock: Clock) -> Iterator[Stage]:
    with on_postgresql({**EDIT, **clock.env}) as stage:
        stage.world.models.think(0.2)
        yield stage


def twice_claimed(stage: Stage) -> int:
    return sum(stage.count(noun, "attempts - deferrals > 1") for noun in ("turn", "delivery"))


def is_off(stage: Stage, name: str) -> bool:
    """The clock is this process's: its environment says so."""
    return "LD_PRELOAD" in Path(f"/proc/{stage.khronos.pid(name)}/environ").read_text()


PROCESSES = ("agent", "worker", "dispatcher", "beat")


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", PROCESSES)
@pytest.mark.parametrize("off_s", [TWO_HOURS_S, -TWO_HOURS_S], ids=["ahead", "behind"])
def test_clock_of_one_process_jumps_twice_while_it_works(name: str, off_s: int, tmp_path: Path) -> None:
    clock = Clock(tmp_path, name)
    with with_clock(clock) as stage:
        before = stage.restarts()
        assert is_off(stage, name)
        stage.play(15, 6, arrival="paced", rate=30)
        stage.after(30)
        clock.set(off_s)
        assert figures(stage.finish(SOON_S)) == exact(90)
        stage.play(15, 6, arrival="paced", rate=30)
        stage.after(120)
        clock.set(0)
        verdict = stage.finish(SOON_S)
        assert figures(verdict) == exact(180)
        assert verdict.longest_wait < SOON_S
        assert stage.troubles() == clean()
        assert twice_claimed(stage) == 0
        assert stage.restarts() == before


@pytest.mark.slow
def test_clock_of_the_whole_machine_is_put_forward_while_it_works(tmp_path: Path) -> None:
    """With SQLite it is the database's as well: all leases end at once."""
    clock = Clock(tmp_path, "web", *PROCESSES)
    with Simulator.start() as world, Instance(world, env={**EDIT, **clock.env}) as khronos:
        stage = Stage(world, khronos)
        stage.clear()
        stage.world.models.think(0.2)
        stage.play(15, 6, arrival="paced", rate=30)
        stage.after(30)
        clock.set(TWO_HOURS_S)
        verdict = stage.finish(SOON_S)
        assert figures(verdict) == exact(90)
        assert verdict.longest_wait < SOON_S
        assert stage.troubles() == clean()
        assert stage.restarts() == 0
