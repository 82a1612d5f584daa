"""Nobody waits for a store longer than he may."""

import threading

import pytest

from khronos.resilience import deadlines
from khronos.resilience.bounded import LEAST_S, LONGEST_S, longest_s
from khronos.resilience.deadlines import left_s, within


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(deadlines, "time", made)
    return made


def test_what_is_left_becomes_less_until_nothing_is(clock: Clock) -> None:
    with within(3.0):
        assert left_s() == 3.0
        clock.now += 2.0
        assert left_s() == 1.0
        clock.now += 2.0
        assert left_s() == 0.0
    assert left_s() is None


def test_shorter_of_two_counts_and_the_outer_one_comes_back(clock: Clock) -> None:
    with within(3.0):
        with within(1.0):
            assert left_s() == 1.0
        with within(60.0):
            assert left_s() == 3.0
        assert left_s() == 3.0


def test_deadline_ends_with_its_block_though_that_fails(clock: Clock) -> None:
    with pytest.raises(KeyError), within(3.0):
        raise KeyError
    assert left_s() is None


def test_each_thread_has_its_own(clock: Clock) -> None:
    seen: list[float | None] = []
    with within(3.0):
        other = threading.Thread(target=lambda: seen.append(left_s()))
        other.start()
        other.join()
    assert seen == [None]


def test_connection_waits_for_the_deadline_and_a_little_when_it_is_late(clock: Clock) -> None:
    assert longest_s() == LONGEST_S
    with within(3.0):
        assert longest_s() == 3.0
        clock.now += 60.0
        assert longest_s() == LEAST_S
