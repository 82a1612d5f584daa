"""A failure by chance is told and does not stand in the way; a fault does."""

from pathlib import Path

import pytest

from tests.again import TIMES, Part, by_chance

FAILS_AT_FIRST = """
from pathlib import Path
def test_it():
    calls = Path(__file__).with_suffix(".calls")
    calls.open("a").write("x")
    assert calls.stat().st_size {holds}
def test_another(): pass
"""


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def played(folder: Path, text: str) -> Part:
    (folder / "pytest.ini").write_text("[pytest]")
    (folder / "test_played.py").write_text(text)
    part = Part(folder / "memory", "pytest", ["test_played.py"], folder)
    with (folder / "said").open("w") as said:
        part.run(said)
    return part


@pytest.mark.parametrize(
    ("holds", "calls", "is_chance"),
    [("> 1", 1 + TIMES, True), ("> 9", 2, False), ("!= 1 and calls.stat().st_size != 3", 3, False)],
)
def test_who_fails_once_is_asked_alone_until_it_is_sure(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], holds: str, calls: int, is_chance: bool
) -> None:
    part = played(tmp_path, FAILS_AT_FIRST.format(holds=holds))
    found = by_chance([part])
    assert [each.partition("::")[2] for each in found] == (["test_it"] if is_chance else [])
    assert (tmp_path / "test_played.calls").read_text() == "x" * calls
    assert ("1 passed" in capfd.readouterr().out) == (calls > 2)


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"def test_{number}(): assert not {number}\n" for number in (1, 2, 3)),
        "import os\ndef test_it(): os._exit(1)\n",
        "import no_such_module\n",
    ],
    ids=["too many", "an end amid it", "nothing to ask"],
)
def test_what_is_no_chance_is_not_asked_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str
) -> None:
    part = played(tmp_path, text)
    assert part.code
    assert by_chance([part]) == []
    assert capfd.readouterr().out == ""


def test_where_all_is_well_nobody_is_asked(tmp_path: Path) -> None:
    assert by_chance([played(tmp_path, "def test_it(): pass\n")]) == []
