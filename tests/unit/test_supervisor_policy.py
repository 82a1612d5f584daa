"""When a dead process comes back, and when it is given up."""

import pytest

from khronos.resilience.restart_policy import GiveUp, Restart, RestartPolicy

POLICY = RestartPolicy(apart_s=4.0, failed_start_s=10.0, max_failed_starts=10)


@pytest.mark.parametrize(
    ("lived_s", "failed_before", "verdict"),
    [
        (0.0, 0, Restart(after_s=4.0, failed_starts=1)),  # starts are four seconds apart
        (1.5, 0, Restart(after_s=2.5, failed_starts=1)),
        (4.0, 0, Restart(after_s=0.0, failed_starts=1)),
        (9.9, 3, Restart(after_s=0.0, failed_starts=4)),  # a life under ten seconds is a failed start
        (10.0, 9, Restart(after_s=0.0, failed_starts=0)),  # a longer one forgives all before it
        (86400.0, 0, Restart(after_s=0.0, failed_starts=0)),
        (1.0, 8, Restart(after_s=3.0, failed_starts=9)),
        (1.0, 9, GiveUp(failed_starts=10)),  # the tenth failed start in a row is the last
        (1.0, 42, GiveUp(failed_starts=43)),
    ],
)
def test_verdict(lived_s: float, failed_before: int, verdict: Restart | GiveUp) -> None:
    assert POLICY.after_death(lived_s, failed_before) == verdict
