"""Breakers between threads and tasks, and with a store that is away."""

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from khronos.resilience.breakers import Breaker, BreakerPolicy, Snapshot, State
from tests.unit.test_breaker import POLICY, World, fail, open_it, refused


@pytest.fixture
def world() -> World:
    return World()


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


def test_operator_is_told_that_the_store_is_away(world: World) -> None:
    world.store_fails = True
    breaker = world.process()
    with pytest.raises(ConnectionError):
        breaker.force_open()
    with pytest.raises(ConnectionError):
        breaker.reset()
    assert world.told() == []


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
