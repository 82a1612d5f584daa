"""/ready answers in time, whatever hangs."""

import threading
import time

import pytest

from khronos.observability.health import DEADLINE_S, Readiness


def test_a_check_that_hangs_is_told_from_those_that_answer() -> None:
    hang = threading.Event()
    readiness = Readiness({"good": lambda: "fine", "hanging": lambda: str(hang.wait(30))})
    asked = time.monotonic()
    results = readiness.look()
    assert time.monotonic() - asked < 5.0
    assert results["good"].ok
    assert not results["hanging"].ok
    assert str(DEADLINE_S) in results["hanging"].detail
    hang.set()


def test_a_check_that_hangs_is_not_started_again() -> None:
    hang, started = threading.Event(), list[int]()

    def ask() -> str:
        started.append(1)
        return str(hang.wait(30))

    readiness = Readiness({"hanging": ask})
    readiness.look()
    readiness.looked_at = 0.0
    readiness.look()
    assert len(started) == 1
    hang.set()


def test_a_check_that_hung_is_trusted_again_when_it_answers() -> None:
    hang = threading.Event()
    readiness = Readiness({"hanging": lambda: str(hang.wait(30))})
    assert not readiness.look()["hanging"].ok
    hang.set()
    assert readiness.checks["hanging"].answered.wait(5)
    readiness.looked_at = 0.0
    assert readiness.look()["hanging"].ok


@pytest.mark.parametrize("error", [RuntimeError("no agent"), OSError("gone"), ValueError("odd")])
def test_a_failing_check_says_why(error: Exception) -> None:
    def fail() -> str:
        raise error

    result = Readiness({"failing": fail}).look()["failing"]
    assert not result.ok
    assert str(error) in result.detail


def test_many_who_ask_at_once_are_one_question() -> None:
    asked: list[int] = []

    def ask() -> str:
        asked.append(1)
        time.sleep(0.1)  # so that the others come while this one is at work
        return "fine"

    readiness = Readiness({"slow": ask})
    callers = [threading.Thread(target=readiness.look) for _ in range(20)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(asked) == 1
