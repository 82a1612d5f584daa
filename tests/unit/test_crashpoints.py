"""Crash points: nothing in production; when told so, one kill at the right moment, and only one."""

import ast
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from khronos.resilience import crashpoints
from khronos.resilience.crashpoints import POINTS, Orders, Trap

ROOT = Path(__file__).resolve().parents[2]
LIFE = """
import sys
from pathlib import Path
from khronos.resilience import crashpoints
crashpoints.arm("turn.claimed:2", Path(sys.argv[1]))
for number in range(1, 4):
    print(number, flush=True)
    crashpoints.reached("turn.claimed")
"""
SETTINGS = """
from khronos.resilience import crashpoints
import settings.resilience
print(crashpoints.reached is crashpoints.nothing, flush=True)
crashpoints.reached("turn.claimed")
print("alive")
"""


class Strikes:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def trap(folder: Path, strike: Strikes, point: str = "turn.claimed", passing: int = 1) -> Trap:
    orders = Orders({point: passing})
    return Trap(lambda: orders, folder, strike)


@pytest.fixture
def armed() -> Iterator[None]:
    """Whatever a test arms is disarmed after it."""
    yield
    crashpoints.arm("", Path())


def life(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", LIFE, str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def settings_with(home: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", SETTINGS],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "KHRONOS_HOME": str(home), "KHRONOS_DOTENV": os.devnull, **env},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_nothing_happens_where_nobody_said_so() -> None:
    assert crashpoints.reached is crashpoints.nothing


def test_strikes_at_the_passing_that_was_ordered_and_at_no_other(tmp_path: Path) -> None:
    strike = Strikes()
    third = trap(tmp_path, strike, passing=3)
    counts = []
    for _ in range(5):
        third.reached("turn.claimed")
        counts.append(strike.count)
    assert counts == [0, 0, 1, 1, 1]


def test_other_points_neither_strike_nor_count(tmp_path: Path) -> None:
    strike = Strikes()
    second = trap(tmp_path, strike, passing=2)
    for point in POINTS:
        second.reached(point)
    assert strike.count == 0
    assert list(tmp_path.iterdir()) == []
    second.reached("turn.claimed")
    assert strike.count == 1
    assert [file.name for file in tmp_path.iterdir()] == ["turn.claimed"]


def test_next_life_passes_the_point_that_ended_the_last(tmp_path: Path) -> None:
    strike = Strikes()
    for _life in range(3):
        trap(tmp_path / "crashes", strike).reached("turn.claimed")
    assert strike.count == 1
    trap(tmp_path / "crashes", strike, "turn.locked").reached("turn.locked")
    assert strike.count == 2


def test_many_who_come_by_at_once_are_struck_once(tmp_path: Path) -> None:
    strike = Strikes()
    lives = [trap(tmp_path, strike) for _ in range(8)]
    start = threading.Barrier(8)

    def come_by(life: Trap) -> None:
        start.wait()
        life.reached("turn.claimed")

    threads = [threading.Thread(target=come_by, args=(each,)) for each in lives]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert strike.count == 1


def test_orders_in_a_file_count_from_when_they_are_there(tmp_path: Path, armed: None) -> None:
    strike = Strikes()
    crashpoints.arm("@next", tmp_path, strike)
    for text, passings in (("", 3), ("turn.locked:2\n", 1), ("turn.claimed:2\n", 1)):
        (tmp_path / "next").write_text(text)
        for _ in range(passings):
            crashpoints.reached("turn.claimed")
    assert strike.count == 0
    crashpoints.reached("turn.claimed")
    assert strike.count == 1
    (tmp_path / "next").unlink()
    crashpoints.reached("turn.locked")
    assert strike.count == 1


def test_process_dies_at_the_point_and_its_next_life_does_not(tmp_path: Path) -> None:
    first, second = life(tmp_path), life(tmp_path)
    assert (first.returncode, first.stdout) == (-signal.SIGKILL, "1\n2\n")
    assert (second.returncode, second.stdout) == (0, "1\n2\n3\n")
    assert first.stderr == second.stderr == ""


def test_environment_arms_and_its_absence_does_not(tmp_path: Path) -> None:
    assert settings_with(tmp_path).stdout == "True\nalive\n"
    struck = settings_with(tmp_path, KHRONOS_CRASH_AT="turn.claimed")
    assert (struck.returncode, struck.stdout) == (-signal.SIGKILL, "False\n")
    assert (tmp_path / "run" / "crashes" / "turn.claimed").is_file()


def test_several_points_are_ordered_at_once_and_counted_apart(tmp_path: Path) -> None:
    strike = Strikes()
    orders = Orders.read("turn.claimed:2\nbus.read turn.locked:3")
    assert orders == Orders({"turn.claimed": 2, "bus.read": 1, "turn.locked": 3})
    several = Trap(lambda: orders, tmp_path, strike)
    counts = []
    for point in ("turn.claimed", "turn.locked", "bus.read", "turn.claimed", "turn.locked", "bus.read"):
        several.reached(point)
        counts.append(strike.count)
    assert counts == [0, 0, 1, 2, 2, 2]
    assert {file.name for file in tmp_path.iterdir()} == {"bus.read", "turn.claimed"}


@pytest.mark.parametrize("text", ["turn.claimd", "turn.claimed:often", "turn.claimed:1,bus.read:1"])
def test_orders_that_name_no_moment_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"crash point|invalid literal"):
        Orders.read(text)


def called() -> list[str]:
    """The points that the code comes by, each as often as it stands there."""
    found = []
    for path in [*(ROOT / "khronos").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == crashpoints.__name__:
                raise AssertionError(f"{path} keeps the function that does nothing")
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "crashpoints.reached":
                found.append(ast.literal_eval(node.args[0]))
    return found


def test_every_point_is_passed_in_one_place_and_every_passing_is_a_point() -> None:
    assert sorted(called()) == sorted(POINTS)


def test_every_point_names_a_process_that_runs() -> None:
    procfile = (ROOT / "Procfile").read_text("utf-8")
    assert {process for process in POINTS.values() if f"\n{process}: " not in procfile} == set()
