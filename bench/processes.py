"""Processes of a benchmark: started, waited for, their processor time read, ended."""

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
START_S = 20.0
STOP_S = 10.0


@contextmanager
def running(command: Sequence[str], env: Mapping[str, str], port: int, log: Path) -> Iterator[int]:
    """The process id, once something listens on the port."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=dict(env), cwd=ROOT, stdout=output, stderr=output)
    try:
        wait_for(port, process, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} did not start: {log.read_text('utf-8', 'replace')[-2000:]}")


def cpu_s(pid: int) -> float:
    """Processor time of a process and its descendants, in seconds; who has ended counts on in his parent."""
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                total += sum(each.cpu_times()[:4])  # its own, and that of its children who ended
    return total
