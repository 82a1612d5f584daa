"""Notes that one process leaves for another: whole, in order, for one taker each."""

import threading
from pathlib import Path

import pytest

from khronos.resilience.spool import MOST, Spool


def test_notes_are_taken_once_and_in_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "made when needed")
    assert list(spool.take()) == []
    for number in range(5):
        spool.put({"number": str(number)})
    assert [note["number"] for note in spool.take()] == ["0", "1", "2", "3", "4"]
    assert list(spool.take()) == []
    assert list(spool.folder.iterdir()) == []


def test_a_note_that_could_not_be_dealt_with_stays(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put({"number": "1"})
    with pytest.raises(OSError, match="away"):  # noqa: PT012
        for _note in spool.take():
            raise OSError("away")
    assert [note["number"] for note in Spool(tmp_path).take()] == ["1"]


def test_of_many_takers_each_note_has_one(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in range(200):
        spool.put({"number": str(number)})
    taken: list[str] = []
    threads = [
        threading.Thread(target=lambda: taken.extend(note["number"] for note in Spool(tmp_path).take()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken, key=int) == [str(number) for number in range(200)]


def test_what_nobody_takes_does_not_fill_the_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in range(MOST + 10):
        spool.put({"number": str(number)})
    assert len(list(tmp_path.iterdir())) == MOST


def test_half_a_note_and_a_full_disk_stop_nobody(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text('{"numb')
    (tmp_path / "2.json").write_text("[1]")
    assert list(Spool(tmp_path).take()) == []
    file = tmp_path / "file"
    file.write_text("")
    Spool(file / "below").put({"number": "1"})
