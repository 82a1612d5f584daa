"""When a sender is asked to come back after a 503."""

import pytest
from django.db import DatabaseError, OperationalError

from khronos.exceptions import Refused
from khronos.intake.callers import COME_BACK_S, come_back_s


@pytest.mark.parametrize(("rest_s", "told_s"), [(0.2, 1), (1.0, 1), (3.4, 4), (5.0, 5)])
def test_breaker_that_refuses_says_when_it_will_not(rest_s: float, told_s: int) -> None:
    assert come_back_s(Refused("left alone", rest_s)) == told_s


@pytest.mark.parametrize("error", [DatabaseError(), OperationalError("gone"), Refused("left alone", None)])
def test_who_knows_no_time_says_the_usual(error: DatabaseError | Refused) -> None:
    assert come_back_s(error) == COME_BACK_S
