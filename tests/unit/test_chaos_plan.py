"""The seed decides what breaks and who writes; in a long run everything breaks."""

from collections import Counter

import pytest

from bench.chaos import crowd, plan
from bench.chaos.havoc import ORDERS, SIGNALS
from bench.chaos.plan import DECK, EVERYTHING, PROCESSES, SUPERVISOR, Kind
from bench.chaos.run import agenda

LONG_S = 600.0


def test_the_same_seed_makes_the_same_plan_and_another_seed_another() -> None:
    assert plan.make(7, 120) == plan.make(7, 120)
    assert plan.make(7, 120).faults != plan.make(8, 120).faults


def test_every_kind_of_fault_strikes_every_process_in_a_long_plan() -> None:
    faults = plan.make(1, LONG_S).faults
    assert {fault.kind for fault in faults} == set(Kind)
    struck = {(fault.kind, fault.target) for fault in faults}
    signals = (Kind.KILL, Kind.TERMINATE, Kind.FREEZE)
    assert {(kind, name) for kind in signals for name in (*PROCESSES, SUPERVISOR)} <= struck
    assert (Kind.KILL, EVERYTHING) in struck


def test_the_whole_is_struck_rarely() -> None:
    dealt = Counter(fault.target for fault in plan.make(1, LONG_S).faults[: len(DECK)])
    assert (dealt[EVERYTHING], dealt[SUPERVISOR]) == (1, 3)


@pytest.mark.parametrize("seconds", [30.0, 60.0, 120.0])
def test_a_plan_begins_and_ends_in_calm(seconds: float) -> None:
    for seed in range(20):
        faults = plan.make(seed, seconds).faults
        assert faults
        assert all(fault.at_s >= plan.CALM_S for fault in faults)
        assert all(fault.ends_s <= seconds - plan.CALM_S + 0.01 for fault in faults)
        assert [fault.at_s for fault in faults] == sorted(fault.at_s for fault in faults)


def test_somebody_carries_out_every_kind() -> None:
    assert {*ORDERS, *SIGNALS, Kind.FLUSH} == set(Kind)
    assert not ORDERS.keys() & SIGNALS.keys()


def test_what_lasts_has_an_end_in_the_agenda_after_its_beginning() -> None:
    made = plan.make(3, 120)
    moments = agenda(made)
    assert [at for at, _ in moments] == sorted(at for at, _ in moments)
    times = Counter(fault.number for _, fault in moments)
    assert times == {fault.number: 2 if fault.lasts_s else 1 for fault in made.faults}


def test_the_crowd_says_the_same_for_the_same_seed_and_no_marker_twice() -> None:
    lines = crowd.lines(5, 60.0, chats=20, rate=10.0)
    assert lines == crowd.lines(5, 60.0, chats=20, rate=10.0)
    assert lines != crowd.lines(6, 60.0, chats=20, rate=10.0)
    assert len({line.marker for line in lines}) == len(lines)
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert max(line.at for line in lines) < 60.0


def test_the_crowd_writes_all_the_time_and_now_and_then_at_once() -> None:
    lines = crowd.lines(5, 60.0, chats=20, rate=10.0)
    assert all(any(start <= line.at < start + 10 for line in lines) for start in range(0, 60, 10))
    together = Counter(line.at for line in lines)
    assert sum(count > 1 for count in together.values()) == 4
    assert {line.chat_id for line in lines} == set(range(100_001, 100_021))
