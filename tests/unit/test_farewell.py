"""Seven steps in order, each logged; a step that fails or hangs holds up nothing."""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from khronos.resilience.farewell import Farewell, FarewellPolicy, Step

QUICK = FarewellPolicy(jobs_s=0.2, step_s=0.1, look_every_s=0.001)


class Clock:
    """A second passes whenever somebody looks."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO, "khronos.resilience.farewell")
    return lambda: [record.getMessage() for record in caplog.records]


def farewell() -> Farewell:
    """Its main thread has nothing more to do."""
    made = Farewell(QUICK, clock=Clock())
    made.rests.set()
    return made


def test_steps_are_taken_in_order_and_say_what_they_did(said: Callable[[], list[str]]) -> None:
    leaving, taken = farewell(), list[Step]()

    def deed(step: Step) -> str:
        taken.append(step)
        return "done"

    for step in reversed(Step):
        leaving.on(step, partial(deed, step))
    leaving.take()
    assert taken == list(Step)
    assert said() == [
        "1/7 requests: done, 1.0 s",
        "2/7 sources: done, 1.0 s",
        "3/7 jobs in hand: done, 1.0 s",
        "4/7 unfinished jobs: done, 1.0 s",
        "5/7 queue: done, 1.0 s",
        "6/7 database: done, 1.0 s",
        "7/7 Redis and sockets: done, 1.0 s",
    ]


def test_steps_without_a_deed_say_so(said: Callable[[], list[str]]) -> None:
    leaving = farewell()
    leaving.on(Step.DATABASE, lambda: "closed")
    leaving.take()
    assert [line.partition(": ")[2] for line in said()] == [
        *["nothing to do"] * 5,
        "closed, 1.0 s",
        "nothing to do",
    ]


def test_loops_are_told_before_the_first_step(said: Callable[[], list[str]]) -> None:
    leaving = farewell()
    leaving.on(Step.REQUESTS, lambda: f"told: {leaving.stopping.is_set()}")
    assert not leaving.stopping.is_set()
    leaving.take()
    assert said()[0] == "1/7 requests: told: True, 1.0 s"


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3)])
def test_failing_step_is_logged_and_the_next_is_taken(
    error: BaseException, said: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    leaving = farewell()

    def fail() -> str:
        raise error

    leaving.on(Step.QUEUE, fail)
    leaving.on(Step.DATABASE, lambda: "closed")
    leaving.take()
    assert said()[4:6] == ["5/7 queue: failed, 1.0 s", "6/7 database: closed, 1.0 s"]
    assert [record.exc_info[1] for record in caplog.records if record.exc_info] == [error]
    assert leaving.is_quiet()


def test_hanging_step_is_left_behind_and_the_next_is_taken(said: Callable[[], list[str]]) -> None:
    leaving, never = farewell(), threading.Event()
    leaving.on(Step.QUEUE, lambda: str(never.wait()))
    leaving.on(Step.DATABASE, lambda: "closed")
    leaving.take()
    never.set()
    assert said()[4:6] == ["5/7 queue: hangs, left behind after 1.0 s", "6/7 database: closed, 1.0 s"]
    assert len(said()) == len(Step)
    assert not leaving.is_quiet()


def test_steps_are_taken_once(said: Callable[[], list[str]]) -> None:
    leaving, times = farewell(), itertools.count(1)
    leaving.on(Step.DATABASE, lambda: f"closed for the time {next(times)}")
    leaving.take()
    leaving.take()
    assert next(times) == 2
    assert len(said()) == len(Step)


def test_jobs_in_hand_are_waited_for(said: Callable[[], list[str]]) -> None:
    leaving = Farewell(QUICK)
    leaving.rests.set()
    hands: Iterator[int] = iter([2, 2, 1, 0, 0])
    leaving.counts(lambda: next(hands))
    leaving.take()
    assert said()[2].startswith("3/7 jobs in hand: 2 finished, 0 left, ")
    assert leaving.is_quiet()
    assert list(hands) == []


def test_jobs_that_last_longer_are_left(said: Callable[[], list[str]]) -> None:
    leaving = Farewell(QUICK)
    leaving.rests.set()
    hands = [3]

    def in_hand() -> int:
        hands.append(1)
        return hands[0] if len(hands) == 2 else 1

    leaving.counts(in_hand)
    began = time.monotonic()
    leaving.take()
    assert said()[2].startswith("3/7 jobs in hand: 2 finished, 1 left, ")
    assert 0.2 <= time.monotonic() - began < 5.0
    assert not leaving.is_quiet()


def test_it_is_not_quiet_while_the_main_thread_works() -> None:
    leaving = Farewell(QUICK)
    leaving.take()
    assert not leaving.is_quiet()
    leaving.rests.set()
    assert leaving.is_quiet()
