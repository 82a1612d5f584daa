"""A process with a farewell hears signals, takes its seven steps and leaves by exit code 0."""

import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from khronos.resilience.farewell import Step
from tests.stopwatch import Stopwatch

ROOT = Path(__file__).resolve().parents[2]
ENDS_S = 10.0  # far above what the child's policy allows

BEGIN = """
    import logging, sys, threading, time
    from khronos.resilience.farewell import Farewell, FarewellPolicy, Step
    logging.basicConfig(level="INFO", format="%(message)s", stream=sys.stdout)
    never = threading.Event()
    with Farewell(FarewellPolicy(jobs_s=0.5, step_s=0.3, hard_stop_s={hard_stop_s})) as farewell:
"""


@contextmanager
def child(block: str, hard_stop_s: float = 5.0) -> Iterator["subprocess.Popen[str]"]:
    """One that has said `ready`, and what follows is up to its block."""
    script = textwrap.dedent(BEGIN).format(hard_stop_s=hard_stop_s) + textwrap.indent(
        textwrap.dedent(block), "    "
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def ended(process: "subprocess.Popen[str]") -> tuple[int, list[str]]:
    assert process.stdout is not None
    said = process.stdout.read().splitlines()
    return process.wait(ENDS_S), said


LOOP = """
    ended = threading.Event()
    farewell.on(Step.SOURCES, lambda: str(ended.wait()))
    print("ready", flush=True)
    while not farewell.stopping.is_set():
        farewell.stopping.wait(60)
    logging.info("the loop has ended")
    ended.set()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_signal_is_answered_by_seven_steps_and_exit_code_zero(number: signal.Signals) -> None:
    with child(LOOP) as process:
        process.send_signal(number)
        code, said = ended(process)
    assert code == 0
    assert said[0] == f"asked to stop by {number.name}"
    assert [line[:3] for line in said if "/7 " in line] == [f"{step}/7" for step in Step]
    assert said.count("the loop has ended") == 1


def test_further_signals_change_nothing() -> None:
    block = """
        def slow():
            print("halfway", flush=True)
            time.sleep(0.2)
            return "closed"
        farewell.on(Step.DATABASE, slow)
    """
    with child(textwrap.dedent(block) + textwrap.dedent(LOOP)) as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        while "halfway" not in process.stdout.readline():
            pass
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
        code, said = ended(process)
    assert code == 0
    assert [line[:3] for line in said if "/7 " in line] == ["6/7", "7/7"]
    assert not [line for line in said if "asked to stop" in line or "Traceback" in line]


def test_main_thread_that_never_looks_does_not_keep_the_process() -> None:
    with child('print("ready", flush=True); never.wait()') as process:
        process.send_signal(signal.SIGTERM)
        code, said = ended(process)
    assert code == 0
    assert sum("/7 " in line for line in said) == len(Step)


def test_hard_stop_tells_what_was_under_way_and_leaves_by_zero() -> None:
    block = """
        farewell.on(Step.QUEUE, never.wait)
        farewell.policy = FarewellPolicy(step_s=60, hard_stop_s=0.5)
        print("ready", flush=True)
        never.wait()
    """
    with child(block) as process, Stopwatch() as watch:
        process.send_signal(signal.SIGTERM)
        code, said = ended(process)
    assert code == 0
    assert said[-1] == "stopped hard after 0.5 s; under way: 5/7 queue"
    assert watch.took_s + watch.stood_s >= 0.5
    assert watch.took_s < 3.0
    assert not [line for line in said if line.startswith(("5/7", "6/7", "7/7"))]


def test_job_that_is_left_is_not_waited_for() -> None:
    block = """
        job = threading.Thread(target=time.sleep, args=[60])
        job.start()
        farewell.counts(lambda: int(job.is_alive()))
        print("ready", flush=True)
        farewell.stopping.wait(60)
    """
    with child(block) as process, Stopwatch() as watch:
        process.send_signal(signal.SIGTERM)
        code, said = ended(process)
    assert code == 0
    assert watch.took_s < 3.0
    assert [line for line in said if line.startswith("3/7 jobs in hand: 0 finished, 1 left, ")] != []
    assert sum("/7 " in line for line in said) == len(Step)


def test_main_thread_that_fails_while_stopping_spoils_neither_steps_nor_exit_code() -> None:
    block = """
        farewell.on(Step.SOURCES, lambda: str(farewell.rests.wait()))
        print("ready", flush=True)
        farewell.stopping.wait(60)
        raise ValueError("the connection was closed")
    """
    with child(block) as process:
        process.send_signal(signal.SIGTERM)
        code, said = ended(process)
    assert code == 0
    assert "ValueError: the connection was closed" in said
    assert sum("/7 " in line for line in said) == len(Step)


def test_process_that_fails_by_itself_says_no_farewell() -> None:
    with child('print("ready", flush=True); raise ValueError("broken")') as process:
        code, said = ended(process)
    assert code == 1
    assert said[-1] == "ValueError: broken"
    assert not [line for line in said if "/7 " in line]
