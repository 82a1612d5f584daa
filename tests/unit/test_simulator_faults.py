"""Faults strike where, as often and as long as ordered."""

import pytest

from bench.simulator.faults import Fault, Faults


def test_a_count_runs_out() -> None:
    faults = Faults()
    faults.add(Fault("reset", left=2))
    assert [faults.pick() is not None for _ in range(4)] == [True, True, False, False]


def test_only_what_fits_is_struck() -> None:
    faults = Faults()
    faults.add(Fault("hang", where={"method": "sendMessage", "chat_id": 5}))
    assert faults.pick(method="sendMessage", chat_id=6) is None
    assert faults.pick(method="getMe", chat_id=5) is None
    assert faults.pick(method="sendMessage", chat_id=5) is not None


def test_a_chance_is_the_same_for_the_same_seed() -> None:
    def struck(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(Fault("reset", probability=0.3))
        return [faults.pick() is not None for _ in range(200)]

    assert struck(1) == struck(1)
    assert 30 < sum(struck(1)) < 90


def test_the_time_runs_out() -> None:
    faults = Faults()
    faults.add(Fault("status"), for_seconds=0.0)
    assert faults.pick() is None


def test_the_first_order_goes_first_and_all_end_when_cleared() -> None:
    faults = Faults()
    faults.add(Fault("status", status=500, left=1))
    faults.add(Fault("status", status=503))
    assert [fault.status for fault in (faults.pick(), faults.pick()) if fault] == [500, 503]
    faults.clear()
    assert faults.pick() is None


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown fault"):
        Faults().add(Fault("flood"))  # type: ignore[arg-type]
