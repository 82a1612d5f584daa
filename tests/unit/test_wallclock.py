"""A clock that is put back is noticed once; one that goes on, corrects itself or jumps ahead is not."""

import pytest

from khronos.resilience.wallclock import WallClock


@pytest.mark.parametrize(
    ("steps", "noticed"),
    [
        ([0.0, 0.0], [0.0, 0.0]),
        ([-7200.0, 0.0], [7200.0, 0.0]),
        ([-0.4, -0.4], [0.0, 0.0]),
        ([7200.0, -7200.0], [0.0, 7200.0]),
    ],
)
def test_what_is_noticed(steps: list[float], noticed: list[float]) -> None:
    now = {"wall": 1_000_000.0, "steady": 50.0}
    clock = WallClock(lambda: now["wall"], lambda: now["steady"])
    for step, expected in zip(steps, noticed, strict=True):
        now["wall"] += 5.0 + step
        now["steady"] += 5.0
        assert clock.put_back_s() == pytest.approx(expected)


def test_how_far_and_in_which_direction_it_was_put() -> None:
    now = {"wall": 1_000_000.0, "steady": 50.0}
    clock = WallClock(lambda: now["wall"], lambda: now["steady"])
    assert clock.moved_s() == 0.0
    now["wall"] += 3600.0
    assert clock.moved_s() == pytest.approx(3600.0)
    assert clock.moved_s() == 0.0
    now["wall"] -= 60.0
    assert clock.moved_s() == pytest.approx(-60.0)
