"""Log files that many processes write: no line is torn, lost or there twice, and nothing stops for them."""

import errno
import logging
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from bench.logs import lines
from bench.patience import until
from khronos.launch.home import Home
from khronos.management.validation import inside
from khronos.management.validation.scene import Scene
from khronos.observability import steps
from khronos.observability.files import SharedFile
from khronos.observability.handlers import Files, Lines, Told
from khronos.observability.steps import happened

PROCESSES, EACH, MAX_BYTES = 4, 1500, 150_000
WRITER = """
import sys
import threading
import time
from pathlib import Path
from khronos.observability import steps
from khronos.observability.files import SharedFile
path, me, each, max_bytes = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
file = SharedFile(path, max_bytes)
sys.stdin.readline()
for n in range(each):
    file.write(f"{me}:{n}:{'x' * (n % 150)}|\\n".encode())
"""


def test_processes_write_through_rotations_without_a_torn_or_lost_line(tmp_path: Path) -> None:
    path = tmp_path / "combined.log"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(me), str(EACH), str(MAX_BYTES)],
            stdin=subprocess.PIPE,
        )
        for me in range(PROCESSES)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    found = Counter(lines(tmp_path))
    wanted = {f"{me}:{n}:{'x' * (n % 150)}|\n" for me in range(PROCESSES) for n in range(EACH)}
    assert set(found) == wanted
    assert set(found.values()) == {1}
    aged = sorted(tmp_path.glob("combined.log.*"))
    assert 2 <= len(aged) <= 5
    assert all(MAX_BYTES <= each.stat().st_size < 2 * MAX_BYTES for each in aged)  # none waits for a turn


def test_the_oldest_file_goes(tmp_path: Path) -> None:
    file = SharedFile(tmp_path / "a.log", max_bytes=10, keep=2)
    for n in range(5):
        file.write(b"line %d....\n" % n)
    names = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert names == {"a.log": b"line 4....\n", "a.log.1": b"line 3....\n", "a.log.2": b"line 2....\n"}


def test_a_file_that_somebody_took_away_is_made_anew(tmp_path: Path) -> None:
    file = SharedFile(tmp_path / "a.log")
    file.write(b"one\n")
    (tmp_path / "a.log").rename(tmp_path / "elsewhere")
    file.write(b"two\n")
    assert (tmp_path / "a.log").read_bytes() == b"two\n"
    assert (tmp_path / "elsewhere").read_bytes() == b"one\n"


def test_nobody_waits_for_whoever_turns_the_file(tmp_path: Path) -> None:
    import fcntl

    file = SharedFile(tmp_path / "a.log", max_bytes=4)
    file.write(b"one\n")
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    file.write(b"two\n")
    os.close(other)
    file.write(b"three\n")
    assert (tmp_path / "a.log").read_bytes() == b"three\n"
    assert (tmp_path / "a.log.1").read_bytes() == b"one\ntwo\n"


class Printed(Lines):
    def __init__(self) -> None:
        super().__init__(logging.Formatter())
        self.setLevel(logging.CRITICAL)
        self.said: list[str] = []

    def write(self, batch: Sequence[Told]) -> None:
        self.said += [record.getMessage() for record, _ in batch]


def record(name: str, level: int, message: str) -> logging.LogRecord:
    return logging.LogRecord(name, level, "", 1, message, None, None)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """Where the steps of this process go."""
    files, root = Files(tmp_path, logging.Formatter("%(message)s"), Printed()), logging.getLogger()
    steps.flush()
    monkeypatch.setattr(root, "handlers", [files])
    monkeypatch.setattr(steps, "switch", steps.Switch())
    monkeypatch.setattr(logging.getLogger(steps.LOGGER), "level", logging.INFO)
    root.manager._clear_cache()  # type: ignore[attr-defined]
    return files


def test_each_file_has_its_lines(tmp_path: Path) -> None:
    printed = Printed()
    files = Files(tmp_path, logging.Formatter("%(message)s"), printed)
    files.handle(record("khronos.x", logging.INFO, "info"))
    files.handle(record("khronos.audit", logging.INFO, "deed"))
    files.handle(record("khronos.x", logging.ERROR, "error"))
    files.handle(record("khronos.x", logging.CRITICAL, "critical"))
    said = {path.stem: path.read_text().split() for path in tmp_path.glob("*.log")}
    assert said == {
        "combined": ["info", "deed", "error", "critical"],
        "error": ["error", "critical"],
        "critical": ["critical"],
        "audit": ["deed"],
    }
    assert printed.said == []
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_steps_never_wait_for_the_disk_and_all_else_does(here: Files, tmp_path: Path) -> None:
    """A pipe that nobody reads is a disk that hangs."""
    os.mkfifo(tmp_path / "combined.log")
    for number in range(100):
        happened(str(number))
        time.sleep(0.001)  # the writing begins among them
    other = threading.Thread(target=here.handle, args=[record("x", logging.INFO, "other")], daemon=True)
    other.start()
    other.join(0.3)
    assert other.is_alive()
    with (tmp_path / "combined.log").open() as disk:
        other.join(10)
        assert [disk.readline().strip() for _ in range(101)] == [*map(str, range(100)), "other"]


def test_steps_are_written_soon_or_when_asked_for(here: Files, tmp_path: Path) -> None:
    path = tmp_path / "combined.log"
    happened("soon")
    assert until(lambda: path.exists() and path.read_text() == "soon\n", 10)
    happened("last")
    steps.flush()
    assert path.read_text() == "soon\nlast\n"


def test_a_process_that_ends_writes_the_steps_it_has_told(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from khronos.observability import logging, steps;"
        "logging.configure(Path(sys.argv[1]), 'INFO', 'test', '0', prints=False); steps.happened('told')"
    )
    (tmp_path / "logs").mkdir()
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60)
    [line] = (tmp_path / "logs" / "combined.log").read_text().splitlines()
    assert orjson.loads(line)["message"] == "told"


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    """Not by its rights, which root has all the same: something else has its place."""
    (tmp_path / "logs").write_text("")
    printed = Printed()
    files = Files(tmp_path / "logs", logging.Formatter(), printed)
    files.handle(record("khronos.x", logging.INFO, "kept"))
    assert printed.said == ["kept"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "combined.log").symlink_to("/dev/full")
    printed = Printed()
    files = Files(tmp_path, logging.Formatter(), printed)
    files.handle(record("khronos.x", logging.INFO, "kept"))
    assert printed.said == ["kept"]
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        files.combined.write(b"x\n")


def test_half_a_line_spoils_no_other(tmp_path: Path) -> None:
    """The limit of the size of a file is a disk that gets full in the middle of a line."""
    script = (
        "import resource, signal, sys; from pathlib import Path;"
        "from khronos.observability.files import SharedFile;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "file = SharedFile(Path(sys.argv[1])); file.write(b'one\\n');"
        "soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6, hard));"
        "error = None\n"
        "try: file.write(b'three\\n')\n"
        "except OSError as caught: error = caught\n"
        "assert error; resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard)); file.write(b'four\\n')"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.log")], check=True, timeout=30)
    assert (tmp_path / "a.log").read_bytes() == b"one\nth\nfour\n"


def test_the_line_that_validate_leaves_has_what_every_line_has(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    said = inside.logs(Scene(Home(tmp_path), "127.0.0.1", 1, "", "en"))
    assert said.startswith("a line was written and found")
    (line,) = map(orjson.loads, lines(tmp_path / "logs"))
    assert line["message"] == "validate was here"
    assert set(line) >= {
        "timestamp", "level", "message", "correlation_id", "trace_id", "span_id", "user_id",
        "service", "environment", "version", "pid",
    }  # fmt: skip
