"""Breakers of several processes over one store, on a clock that the test moves."""

import asyncio
import logging
import pickle
from collections.abc import Callable

import pytest

from khronos.resilience.breakers import (
    Breaker,
    BreakerPolicy,
    Change,
    MemoryStore,
    Open,
    Snapshot,
    State,
)
from khronos.resilience.breakers.store import Answer, Batch, Outcome

POLICY = BreakerPolicy("model", timeout_s=30, opens_at=0.5, rest_s=60, least_calls=4)
START = 1_800_000_000.5


class Away(Exception):
    pass


class Refused(Exception):
    """As a 4xx: our fault."""


class World:
    """One store, one clock, as many processes as wanted."""

    def __init__(self) -> None:
        self.now = START
        self.twin = MemoryStore(lambda: self.now)
        self.store_fails = False
        self.asked: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None  # what happens while the store is asked
        self.changes: list[Change] = []

    def process(
        self,
        counts: Callable[[BaseException], bool | None] = lambda error: not isinstance(error, Refused),
        on_change: Callable[[Change], None] | None = None,
    ) -> Breaker:
        return Breaker(
            POLICY, self, counts=counts, on_change=on_change or self.changes.append, clock=lambda: self.now
        )

    def _ask(self, verb: str) -> None:
        self.asked.append(verb)
        if self.store_fails:
            raise ConnectionError("no store")

    def report(self, policy: BreakerPolicy, batch: Batch, token: str = "") -> Answer:
        self._ask("ask" if token else "report")
        answer = self.twin.report(policy, batch, token)
        self.meanwhile()
        return answer

    def settle(self, policy: BreakerPolicy, token: str, outcome: Outcome) -> Answer:
        self._ask("settle")
        return self.twin.settle(policy, token, outcome)

    def order(self, policy: BreakerPolicy, state: State, rest_ms: int) -> Answer:
        self._ask("order")
        return self.twin.order(policy, state, rest_ms)

    def look(self, policy: BreakerPolicy) -> Answer:
        self._ask("look")
        return self.twin.look(policy)

    def told(self) -> list[tuple[State, State]]:
        return [(change.before, change.after) for change in self.changes]


@pytest.fixture
def world() -> World:
    return World()


def fail(breaker: Breaker, error: type[BaseException] = Away) -> None:
    with pytest.raises(error), breaker:
        raise error


def open_it(world: World) -> Breaker:
    breaker = world.process()
    for _ in range(4):
        fail(breaker)
    return breaker


def refused(breaker: Breaker) -> float:
    with pytest.raises(Open) as refusal, breaker:
        pytest.fail("it let a call pass")
    return refusal.value.retry_after_s


def test_open_breaker_refuses_and_says_for_how_long(world: World) -> None:
    breaker = open_it(world)
    called: list[int] = []
    world.now += 20
    with pytest.raises(Open, match=r"breaker model is open: ask again in 40\.0 s") as refusal:
        breaker.call(lambda: called.append(1))
    assert refusal.value.retry_after_s == pytest.approx(40, abs=0.01)
    assert refusal.value.name == "model"
    assert called == []


def test_result_and_exception_of_a_call_are_its_own(world: World) -> None:
    breaker = world.process()
    assert breaker.call(lambda: 42) == 42
    failure = Away("why")
    with pytest.raises(Away) as raised, breaker:
        raise failure
    assert raised.value is failure


def test_exception_that_does_not_count_is_a_success(world: World) -> None:
    breaker = world.process()
    for _ in range(40):
        fail(breaker, Refused)
        world.now += 0.1
    snapshot = breaker.snapshot()
    assert (snapshot.state, snapshot.failures) == (State.CLOSED, 0)
    assert snapshot.calls > 30


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit])
def test_interrupted_call_is_not_counted(world: World, error: type[BaseException]) -> None:
    breaker = world.process(counts=lambda _error: True)
    for _ in range(9):
        fail(breaker, error)
    fail(breaker)
    assert (breaker.snapshot().calls, breaker.snapshot().failures) == (1, 1)


def test_exception_of_which_nothing_can_be_said_is_not_counted(world: World) -> None:
    breaker = world.process(counts=lambda error: None if isinstance(error, Refused) else True)
    for _ in range(9):
        fail(breaker, Refused)
    fail(breaker)
    assert (breaker.snapshot().calls, breaker.snapshot().failures) == (1, 1)
    breaker.force_open(for_s=0)
    fail(breaker, Refused)
    assert (breaker.snapshot().state, breaker.snapshot().is_probing) == (State.HALF_OPEN, False)


def test_refusal_of_an_inner_breaker_says_nothing_of_the_outer(world: World) -> None:
    inner = open_it(world)
    outer = Breaker(
        BreakerPolicy("tool", timeout_s=5, opens_at=0.5, rest_s=9), world, clock=lambda: world.now
    )
    for _ in range(9):
        with pytest.raises(Open), outer, inner:
            pass
    assert outer.snapshot() == Snapshot("tool")


def test_predicate_that_fails_hides_no_exception_and_counts_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_error: BaseException) -> bool:
        raise ZeroDivisionError

    breaker = world.process(counts=broken)
    for _ in range(9):
        fail(breaker)
    assert breaker.snapshot().calls == 0
    assert len(caplog.records) == 9


def test_way_of_a_breaker_is_told_step_by_step(world: World) -> None:
    breaker = open_it(world)
    world.now += 60
    fail(breaker)
    world.now += 60
    breaker.call(lambda: None)
    assert world.told() == [
        (State.CLOSED, State.OPEN),
        (State.OPEN, State.HALF_OPEN),
        (State.HALF_OPEN, State.OPEN),
        (State.OPEN, State.HALF_OPEN),
        (State.HALF_OPEN, State.CLOSED),
    ]
    assert world.changes[0] == Change("model", State.CLOSED, State.OPEN, 1.0, 4)
    assert breaker.snapshot().openings == 2


def test_change_is_told_by_one_process_only(world: World) -> None:
    processes = [world.process() for _ in range(5)]
    for breaker in processes:
        with pytest.raises((Away, Open)), breaker:
            raise Away
    world.now += 0.6
    assert all(refused(breaker) > 50 for breaker in processes)
    assert world.told() == [(State.CLOSED, State.OPEN)]


def test_listener_that_fails_hurts_no_call(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_change: Change) -> None:
        raise ZeroDivisionError

    breaker = world.process(on_change=broken)
    for _ in range(4):
        fail(breaker)
    world.now += 60
    assert breaker.call(lambda: 42) == 42
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 3


def test_listener_may_use_the_breaker_it_listens_to(world: World) -> None:
    refusals: list[float] = []
    breaker = world.process(on_change=lambda _change: refusals.append(refused(breaker)))
    for _ in range(4):
        fail(breaker)
    assert refusals == [pytest.approx(60, abs=0.01)]


def test_other_process_learns_of_an_opening_within_half_a_second(world: World) -> None:
    other = world.process()
    other.call(lambda: None)
    open_it(world)
    world.now += 0.2
    other.call(lambda: None)  # as yet it does not know
    world.now += 0.31
    assert refused(other) == pytest.approx(59.49, abs=0.01)


def test_refusals_cost_two_questions_a_second(world: World) -> None:
    breaker = open_it(world)
    world.asked.clear()
    for _ in range(1_000):
        refused(breaker)
        world.now += 0.01
    assert len(world.asked) <= 21


def test_calls_of_a_closed_breaker_are_told_four_times_a_second_at_most(world: World) -> None:
    breaker = world.process()
    for _ in range(1_000):
        breaker.call(lambda: None)
        world.now += 0.005
    assert len(world.asked) <= 1 + 4 * 5
    world.now += 0.5
    breaker.call(lambda: None)  # brings the last
    assert breaker.snapshot().calls >= 1_000


def test_failures_are_told_at_once_and_bring_the_successes(world: World) -> None:
    breaker = world.process()
    for _ in range(10):
        breaker.call(lambda: None)
    fail(breaker)
    fail(breaker)
    assert world.asked == ["ask", "report", "report"]
    assert (breaker.snapshot().calls, breaker.snapshot().failures) == (12, 2)


def test_successes_that_waited_too_long_are_out_of_the_window(world: World) -> None:
    breaker = world.process()
    for _ in range(100):
        breaker.call(lambda: None)
    world.now += 60
    for _ in range(4):
        fail(breaker)
    assert refused(breaker) > 59


def test_calls_under_way_at_the_opening_do_not_count_after_it(world: World) -> None:
    breaker, slow = world.process(), world.process()
    for _ in range(3):
        slow.__enter__()
    for _ in range(4):
        fail(breaker)
    world.now += 60
    breaker.call(lambda: None)
    for _ in range(3):
        slow.__exit__(Away, Away(), None)
    assert (breaker.snapshot().state, breaker.snapshot().calls) == (State.CLOSED, 0)
    fail(breaker)
    assert breaker.snapshot().failures == 1


def test_call_that_ends_while_its_era_does_is_not_counted_in_the_next(world: World) -> None:
    breaker, other = world.process(), world.process()
    breaker.__enter__()
    world.now += 0.6
    other.reset()

    def end() -> None:
        world.meanwhile = lambda: None
        breaker.__exit__(None, None, None)

    world.meanwhile = end
    breaker.call(lambda: None)
    world.now += 0.6
    breaker.call(lambda: None)
    assert breaker.snapshot().calls == 1  # the second, which began in the new era


def test_rest_shorter_than_trust_is_not_prolonged_by_it(world: World) -> None:
    breaker = world.process()
    breaker.force_open(for_s=0.2)
    world.now += 0.1
    assert refused(breaker) == pytest.approx(0.1, abs=0.001)
    world.now += 0.11
    assert breaker.call(lambda: 42) == 42


def test_half_open_lets_one_process_probe(world: World) -> None:
    prober = open_it(world)
    others = [world.process() for _ in range(4)]
    world.now += 60
    with prober:
        assert [refused(other) for other in others] == [pytest.approx(1)] * 4
        assert refused(prober) == pytest.approx(1)  # its other threads
        assert prober.snapshot().is_probing
    world.now += 0.5
    for breaker in [prober, *others]:
        breaker.call(lambda: None)
    assert world.told()[-1] == (State.HALF_OPEN, State.CLOSED)


@pytest.mark.parametrize(
    ("error", "state"),
    [(Away, State.OPEN), (Refused, State.CLOSED), (KeyboardInterrupt, State.HALF_OPEN)],
)
def test_end_of_a_probe(world: World, error: type[BaseException], state: State) -> None:
    breaker = open_it(world)
    world.now += 60
    fail(breaker, error)
    snapshot = breaker.snapshot()
    assert (snapshot.state, snapshot.is_probing) == (state, False)


def test_interrupted_probe_leaves_its_place_at_once(world: World) -> None:
    breaker, other = open_it(world), world.process()
    world.now += 60
    fail(breaker, KeyboardInterrupt)
    assert other.call(lambda: 42) == 42
    assert other.snapshot().state is State.CLOSED


def test_probe_that_is_never_heard_of_again_is_followed_by_another(world: World) -> None:
    lost, other = open_it(world), world.process()
    world.now += 60
    lost.__enter__()
    world.now += 30.5
    assert refused(other) == pytest.approx(0.5)
    world.now += 0.5
    assert other.call(lambda: 42) == 42
    lost.__exit__(Away, Away(), None)  # it comes too late to open anything
    assert other.snapshot().state is State.CLOSED


def test_snapshot_tells_how_it_stands(world: World) -> None:
    breaker = world.process()
    assert breaker.snapshot() == Snapshot("model")
    open_it(world)
    world.now += 20
    assert breaker.snapshot() == Snapshot("model", State.OPEN, 0.0, 0, 0, START, 40.0, False, 1)
    world.now += 40
    assert breaker.snapshot() == Snapshot("model", State.HALF_OPEN, 0.0, 0, 0, START, 0.0, False, 1)
    with breaker:
        assert breaker.snapshot() == Snapshot("model", State.HALF_OPEN, 0.0, 0, 0, START, 31.0, True, 1)
    assert breaker.snapshot() == Snapshot("model", State.CLOSED, 0.0, 0, 0, START, None, False, 1)
    assert world.asked.count("look") == 5


def test_operator_opens_and_resets(world: World) -> None:
    breaker, other = world.process(), world.process()
    breaker.force_open(for_s=300)
    assert refused(breaker) == pytest.approx(300)
    assert refused(other) == pytest.approx(300)
    breaker.reset()
    assert breaker.call(lambda: 42) == 42
    world.now += 0.5
    assert other.call(lambda: 42) == 42
    breaker.force_open()
    assert refused(breaker) == pytest.approx(60)
    assert world.told() == [
        (State.CLOSED, State.OPEN),
        (State.OPEN, State.CLOSED),
        (State.CLOSED, State.OPEN),
    ]


def test_refusal_survives_a_pickle() -> None:
    refusal = pickle.loads(pickle.dumps(Open(7.5, "model")))
    assert (refusal.retry_after_s, refusal.name) == (7.5, "model")
