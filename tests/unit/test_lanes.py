"""`make test` leaves nothing out, and is red when any of it is."""

from pathlib import Path

import pytest

from tests.__main__ import INSTANCES, MATRICES, PARTS, run
from tests.again import Part

TESTS = Path(__file__).resolve().parents[1]
FINE, AMISS = ["--version"], ["--no-such-option"]


def test_every_folder_of_tests_is_in_a_lane() -> None:
    folders = {f"tests/{path.parent.relative_to(TESTS)}" for path in TESTS.rglob("test_*.py")}
    words = {word for lane in (INSTANCES, PARTS) for _, what in lane for word in what}
    assert folders == {word for word in words if word.startswith("tests/") and not word.endswith(".py")}


def test_what_one_lane_leaves_out_is_in_the_other() -> None:
    left_out = [word.partition("=")[2] for word in INSTANCES[0][1] if word.startswith("--ignore=")]
    assert left_out == MATRICES == PARTS[-1][1]
    assert all((TESTS.parent / each).is_file() for each in left_out)


@pytest.mark.parametrize(
    ("asked", "codes"), [([FINE, FINE], [0, 0]), ([AMISS, FINE], [4, 0]), ([FINE, AMISS], [0, 4])]
)
def test_a_lane_goes_on_after_a_failure_and_remembers_it(
    tmp_path: Path, asked: list[list[str]], codes: list[int]
) -> None:
    parts = [Part(tmp_path / str(number), "pytest", what, code=99) for number, what in enumerate(asked)]
    said = run("a lane", parts)
    assert [part.code for part in parts] == codes
    assert said.startswith("❌ a lane: " if any(codes) else "✅ a lane: ")
