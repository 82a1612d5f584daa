"""Many processes count, die and are killed: the sums stay right, and their files do not pile up."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from khronos.observability.counted import RESERVED_BYTES, Sheet, Value, values_on
from khronos.observability.folding import FOLDED, LIVE, empty, read

COUNTER = """
import sys
from pathlib import Path
from prometheus_client import Counter, Gauge, values
from khronos.observability.counted import Sheet, values_on

values.ValueClass = values_on(Sheet(Path(sys.argv[1])), True)
said = Counter("said_total", "Lines.", registry=None)
here = Gauge("here", "Processes.", registry=None, multiprocess_mode="livesum")
here.set(1)
for line in sys.stdin:
    said.inc(int(line))
    print("counted", flush=True)
"""
SAID, HERE = json.dumps(["said", "said_total", []]), json.dumps(["here", "here", [], LIVE])


class Counting:
    """A process that counts what it is told to."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", COUNTER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def count(self, number: int) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "counted\n"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


@contextmanager
def counting(folder: Path) -> Iterator[Counting]:
    it = Counting(folder)
    try:
        yield it
    finally:
        it.kill()


def sheets(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.db"))


def test_the_dead_are_folded_and_the_living_left_alone(tmp_path: Path) -> None:
    with counting(tmp_path) as one, counting(tmp_path) as two, counting(tmp_path) as three:
        for number, process in enumerate((one, two, three), 1):
            process.count(number)
        assert read(tmp_path) == {SAID: 6, HERE: 3}
        assert len(sheets(tmp_path)) == 3
        one.kill()
        two.kill()
        assert read(tmp_path) == {SAID: 6, HERE: 1}, "counts stay, live gauges go"
        left = sheets(tmp_path)
        assert len(left) == 1
        three.count(10)
        assert read(tmp_path) == {SAID: 16, HERE: 1}
        assert sheets(tmp_path) == left
    assert read(tmp_path) == {SAID: 16}
    assert sheets(tmp_path) == []


def test_many_restarts_leave_one_file_and_count_on(tmp_path: Path) -> None:
    last = 0.0
    for number in range(1, 9):
        with counting(tmp_path) as process:
            process.count(1)
        said = read(tmp_path)[SAID]
        assert said == number
        assert said > last, "a counter never goes back"
        last = said
    assert sorted(path.name for path in tmp_path.iterdir()) == [FOLDED, "lock"]


def test_restarts_that_nobody_reads_leave_no_files_either(tmp_path: Path) -> None:
    for _ in range(4):
        with counting(tmp_path) as process:
            process.count(1)
    assert len(sheets(tmp_path)) == 1
    assert read(tmp_path) == {SAID: 4}


def test_a_fold_that_was_cut_off_counts_nothing_twice(tmp_path: Path) -> None:
    with counting(tmp_path) as process:
        process.count(5)
    sheet = next(tmp_path.glob("*.db"))
    kept = sheet.read_bytes()
    assert read(tmp_path) == {SAID: 5}
    sheet.write_bytes(kept)  # killed after the rename, before the file was removed
    assert read(tmp_path) == {SAID: 5}
    assert sheets(tmp_path) == []
    with counting(tmp_path) as process:
        process.count(2)
    assert read(tmp_path) == {SAID: 7}


@pytest.mark.parametrize("rest", [b"", b"\0" * 100, b"\xff" * 65536, b"\x40\0\0\0\0\0\0\0\xff\xff\0\0"])
def test_a_file_that_cannot_be_read_breaks_nothing(tmp_path: Path, rest: bytes) -> None:
    (tmp_path / "7-dead.db").write_bytes(rest)
    with counting(tmp_path) as process:
        process.count(3)
        assert read(tmp_path)[SAID] == 3
    assert read(tmp_path) == {SAID: 3}
    assert sheets(tmp_path) == []


def test_a_file_is_hidden_until_it_is_locked(tmp_path: Path) -> None:
    """Else a reader could take it for a dead process's."""
    sheet = Sheet(tmp_path)
    value: Value = values_on(sheet, True)("counter", "said", "said_total", (), (), "Lines.")
    assert list(tmp_path.iterdir()) == [], "nothing is made before something is counted"
    value.inc(1)
    assert read(tmp_path) == {SAID: 1}
    assert read(tmp_path) == {SAID: 1}
    (name,) = sheets(tmp_path)
    assert name.startswith(f"{os.getpid()}-")


def test_a_fork_counts_for_itself(tmp_path: Path) -> None:
    code = COUNTER.replace("for line in sys.stdin:", "import os\nsaid.inc(1)\nos.fork()\nfor line in [2]:")
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True)
    assert read(tmp_path) == {SAID: 1 + 2 + 2}


def test_a_new_start_begins_at_zero_and_spares_who_lives(tmp_path: Path) -> None:
    with counting(tmp_path) as process:
        process.count(1)
    with counting(tmp_path) as process:
        process.count(2)
        empty(tmp_path)
        assert read(tmp_path) == {SAID: 2, HERE: 1}


def test_a_folder_that_cannot_be_written_costs_counts_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    value = values_on(Sheet(tmp_path / "file"), True)("counter", "said", "said_total", (), (), "Lines.")
    value.inc(1)
    value.inc(1)
    assert value.get() == 2


def test_switched_off_nothing_is_counted(tmp_path: Path) -> None:
    value = values_on(Sheet(tmp_path), False)("counter", "said", "said_total", (), (), "Lines.")
    value.inc(1)
    assert (value.get(), list(tmp_path.iterdir())) == (0, [])


GROWS = """
import resource, sys
from pathlib import Path
from khronos.observability.counted import Sheet, values_on

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
Counted = values_on(Sheet(Path(sys.argv[1])), True)
for number in range(6000):
    Counted("counter", "said", "said_total", ["who"], [str(number)], "Lines.").inc(1)
first = Counted("counter", "said", "said_total", ["who"], ["0"], "Lines.")
first.inc(5)
"""


def grow(folder: Path, limit: int) -> dict[str, float]:
    code = [sys.executable, "-W", "error", "-c", GROWS, str(folder), str(limit)]
    subprocess.run(code, check=True, capture_output=True)
    return read(folder)


def test_a_file_that_outgrows_its_place_takes_the_next_one_for_sure(tmp_path: Path) -> None:
    counted = values_on(Sheet(tmp_path), True)
    for number in range(6000):
        counted("counter", "said", "said_total", ["who"], [str(number)], "Lines.").inc(1)
    (name,) = sheets(tmp_path)
    found = (tmp_path / name).stat()
    assert found.st_size > RESERVED_BYTES
    assert found.st_blocks * 512 >= found.st_size, "a hole is a SIGBUS once the disk is full"
    assert sum(read(tmp_path).values()) == 6000


def test_a_disk_that_is_full_costs_new_numbers_and_no_process(tmp_path: Path) -> None:
    found = grow(tmp_path, RESERVED_BYTES + 1000)
    assert 1000 < len(found) < 6000
    assert found[json.dumps(["said", "said_total", [["who", "0"]]])] == 5, "what it has is counted on"


def test_a_fold_that_a_power_cut_left_empty_breaks_nothing(tmp_path: Path) -> None:
    (tmp_path / FOLDED).touch()
    with counting(tmp_path) as process:
        process.count(3)
        assert read(tmp_path)[SAID] == 3
    assert read(tmp_path) == {SAID: 3}
