"""Waits grow, and end at their bound however long it lasts."""

from khronos.resilience.backoff import doubled


def test_each_failure_doubles_the_wait_up_to_the_bound() -> None:
    assert [doubled(2.0, failures, 20.0) for failures in range(6)] == [2.0, 4.0, 8.0, 16.0, 20.0, 20.0]


def test_a_month_of_failures_is_no_number_too_large() -> None:
    assert doubled(1.0, 1_000_000, 30.0) == 30.0
