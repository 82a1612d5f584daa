"""What a breaker's policy allows, and when it opens."""

import pytest

from khronos.resilience.breakers import BreakerPolicy


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"opens_at": 0.0}, "opens_at"),
        ({"opens_at": 50}, "opens_at"),
        ({"timeout_s": 0.0}, "timeout_s"),
        ({"rest_s": -1.0}, "rest_s"),
        ({"window_s": 0.0}, "window_s"),
        ({"least_calls": 0}, "least_calls"),
    ],
)
def test_policy_that_makes_no_sense_is_refused(changed: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        BreakerPolicy(**{"name": "x", "timeout_s": 5, "opens_at": 0.5, "rest_s": 30} | changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("opens_at", "calls", "failures", "opens"),
    [
        (0.5, 10, 5, True),
        (0.5, 10, 4, False),
        (0.6, 5, 3, True),
        (0.7, 10, 7, True),  # the rate itself opens, whatever floats make of the product
        (0.07, 100, 7, True),
        (1.0, 9, 9, True),
        (1.0, 9, 8, False),
        (0.1, 3, 3, False),  # too few calls
    ],
)
def test_rate_that_opens(opens_at: float, calls: int, failures: int, opens: bool) -> None:
    policy = BreakerPolicy("x", timeout_s=5, opens_at=opens_at, rest_s=30, least_calls=4)
    assert policy.opens(calls, failures) is opens
