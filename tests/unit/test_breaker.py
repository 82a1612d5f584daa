"""Breakers of several processes over one store, on a clock that the test moves."""

import asyncio
import logging
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

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


def test_store_that_fails_lets_calls_pass(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    breaker = world.process()
    world.store_fails = True
    for _ in range(20):
        fail(breaker)
        assert breaker.call(lambda: 42) == 42
        world.now += 1
    assert breaker.snapshot() == Snapshot("model", store_is_away=True)
    assert len(caplog.records) == 1
    world.store_fails = False
    breaker.call(lambda: None)
    assert breaker.snapshot().store_is_away is False
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.INFO]


def test_open_breaker_lets_calls_pass_once_its_store_is_away(world: World) -> None:
    breaker = open_it(world)
    world.store_fails = True
    assert refused(breaker) > 59  # it still knows
    world.now += 1
    assert breaker.call(lambda: 42) == 42
    world.store_fails = False
    assert refused(breaker) == pytest.approx(59, abs=0.01)


def test_probe_whose_verdict_is_lost_ends_with_its_lease(world: World) -> None:
    breaker = open_it(world)
    world.now += 60
    with breaker:
        world.store_fails = True
    world.store_fails = False
    world.now += 30
    assert refused(breaker) == pytest.approx(1)
    world.now += 1
    breaker.call(lambda: None)
    assert breaker.snapshot().state is State.CLOSED


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


def test_operator_is_told_that_the_store_is_away(world: World) -> None:
    world.store_fails = True
    breaker = world.process()
    with pytest.raises(ConnectionError):
        breaker.force_open()
    with pytest.raises(ConnectionError):
        breaker.reset()
    assert world.told() == []


def test_refusal_survives_a_pickle() -> None:
    refusal = pickle.loads(pickle.dumps(Open(7.5, "model")))
    assert (refusal.retry_after_s, refusal.name) == (7.5, "model")


def test_threads_of_a_process_share_one_breaker(world: World) -> None:
    breaker = world.process()
    together = threading.Barrier(8)

    def work(_number: int) -> None:
        together.wait(5)
        for _ in range(500):
            breaker.call(lambda: None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    world.now += 0.5
    breaker.call(lambda: None)
    assert world.asked[0] == "ask"
    assert world.asked.count("ask") == 2  # the eight looked together
    assert world.twin.look(POLICY).calls == 4_000


def test_failures_of_many_threads_are_all_counted(world: World) -> None:
    breaker = Breaker(
        BreakerPolicy("tool", timeout_s=5, opens_at=1, rest_s=9, least_calls=10_000),
        world,
        clock=lambda: world.now,
    )
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _number: fail(breaker), range(400)))
    assert (breaker.snapshot().calls, breaker.snapshot().failures) == (400, 400)


def test_threads_that_know_too_little_ask_once(world: World) -> None:
    breaker = world.process()
    asking, go_on, on_the_way = threading.Event(), threading.Event(), threading.Semaphore(0)

    def meanwhile() -> None:
        asking.set()
        go_on.wait(10)

    def call(_number: int) -> int:
        on_the_way.release()
        return breaker.call(lambda: 42)

    world.meanwhile = meanwhile
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(call, 0)
        assert asking.wait(5)
        others = [pool.submit(call, number) for number in range(1, 9)]
        for _ in range(9):
            assert on_the_way.acquire(timeout=5)
        assert not any(other.done() for other in others)
        go_on.set()
        assert [future.result(5) for future in [first, *others]] == [42] * 9
    assert world.asked == ["ask"]


def test_success_does_not_wait_while_another_thread_talks_to_the_store(world: World) -> None:
    breaker = world.process()
    breaker.call(lambda: None)
    world.now += 0.3  # time for a batch
    talking, go_on = threading.Event(), threading.Event()

    def meanwhile() -> None:
        talking.set()
        go_on.wait(10)

    world.meanwhile = meanwhile
    with ThreadPoolExecutor(1) as pool:
        failing = pool.submit(fail, breaker)
        assert talking.wait(5)
        assert [breaker.call(lambda: 42) for _ in range(100)] == [42] * 100
        assert not failing.done()
        go_on.set()
        failing.result(5)
    assert world.asked == ["ask", "report"]


def test_store_that_hangs_holds_up_one_thread_only(world: World) -> None:
    breaker = open_it(world)
    world.now += 1
    world.store_fails = True
    breaker.call(lambda: None)
    world.now += 1
    world.store_fails = False
    hangs, let_go = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        let_go.wait(10)
        raise ConnectionError

    world.meanwhile = hang
    with ThreadPoolExecutor(1) as pool:
        held_up = pool.submit(breaker.call, lambda: 1)
        assert hangs.wait(5)
        assert [breaker.call(lambda: 42) for _ in range(100)] == [42] * 100
        fail(breaker)
        assert not held_up.done()
        let_go.set()
        assert held_up.result(5) == 1


def test_probe_is_not_confused_with_a_call_of_another_task(world: World) -> None:
    breaker = open_it(world)
    world.now += 60

    async def both() -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def probe() -> None:
            with breaker:
                begun.set()
                await go_on.wait()

        probing = asyncio.create_task(probe())
        await begun.wait()
        breaker.reset()
        with breaker:
            go_on.set()
            await probing
        breaker.force_open()

    asyncio.run(both())
    assert world.asked.count("settle") == 1
    assert world.told()[-2:] == [(State.HALF_OPEN, State.CLOSED), (State.CLOSED, State.OPEN)]
