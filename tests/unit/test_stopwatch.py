"""What a machine stands still is nobody's time."""

import signal
import subprocess
import sys
import time

STOOD_S = 0.5
CHILD = """
import sys
from tests.stopwatch import Stopwatch
with Stopwatch() as watch:
    print("begun", flush=True)
    sys.stdin.readline()
print(watch.took_s, watch.stood_s)
"""


def test_what_a_process_was_stopped_for_is_not_counted() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        began = time.monotonic()
        assert child.stdout.readline() == "begun\n"
        child.send_signal(signal.SIGSTOP)
        time.sleep(STOOD_S)
        child.send_signal(signal.SIGCONT)
        said, _ = child.communicate("\n", timeout=20)
        lasted_s = time.monotonic() - began
    took_s, stood_s = map(float, said.split())
    assert stood_s > STOOD_S * 0.9
    assert took_s < lasted_s - stood_s
