"""`make test` leaves nothing out, and is red when any of it is."""

import sys
from pathlib import Path

import pytest

from tests.__main__ import INSTANCES, MATRICES, PARTS, run

TESTS = Path(__file__).resolve().parents[1]
FINE, AMISS = [sys.executable, "-c", "raise SystemExit(0)"], [sys.executable, "-c", "raise SystemExit(3)"]


def test_every_folder_of_tests_is_in_a_lane() -> None:
    folders = {f"tests/{path.parent.relative_to(TESTS)}" for path in TESTS.rglob("test_*.py")}
    words = {word for lane in (INSTANCES, PARTS) for command in lane for word in command}
    assert folders == {word for word in words if word.startswith("tests/") and not word.endswith(".py")}


def test_what_one_lane_leaves_out_is_in_the_other() -> None:
    left_out = [word.partition("=")[2] for word in INSTANCES[0] if word.startswith("--ignore=")]
    assert left_out == MATRICES == PARTS[-1][-len(MATRICES) :]
    assert all((TESTS.parent / each).is_file() for each in left_out)


@pytest.mark.parametrize(
    ("commands", "codes", "is_good"),
    [([FINE, FINE], [0, 0], True), ([AMISS, FINE], [3, 0], False), ([FINE, AMISS], [0, 3], False)],
)
def test_a_lane_goes_on_after_a_failure_and_remembers_it(
    commands: list[list[str]], codes: list[int], is_good: bool
) -> None:
    outcome = run("a lane", commands)
    assert (outcome.codes, outcome.is_good) == (codes, is_good)
    assert outcome.took_s > 0
