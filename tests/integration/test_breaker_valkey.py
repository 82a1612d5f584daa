"""What a breaker costs on a real Valkey: one that is well, one that hangs, one that is gone."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, cast

import pytest
import redis

from khronos.bus.connection import connect
from khronos.resilience.breakers import Breaker, BreakerPolicy, Open, RedisStore, State
from tests.stopwatch import Stopwatch

POLICY = BreakerPolicy("model", timeout_s=30, opens_at=0.5, rest_s=60, least_calls=4)
TIMEOUT_S = 0.1
BUSY_S = 4.0  # what the machine may add; a time-out for each of a thousand calls would be 100 s
CALLS = 10_000


class Away(Exception):
    pass


class Counting:
    """A client that knows how often it was asked."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client, self.asked = client, 0

    def register_script(self, text: str) -> Any:
        script = self._client.register_script(text)

        def run(keys: list[str], args: list[str | int]) -> Any:
            self.asked += 1
            return script(keys, args)

        return run


def store_of(client: Counting, clock: Callable[[], float] = time.monotonic) -> RedisStore:
    return RedisStore(cast("redis.Redis", client), clock=clock)


@pytest.fixture
def client(valkey: str, bus: "redis.Redis") -> Iterator["redis.Redis"]:
    """One that does not wait long."""
    with connect(TIMEOUT_S, valkey) as client:
        client.ping()
        yield client


@contextmanager
def hanging(bus: "redis.Redis") -> Iterator[None]:
    server: Any = bus.info("server")
    os.kill(server["process_id"], signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server["process_id"], signal.SIGCONT)
        bus.ping()


def scripts_run(bus: "redis.Redis") -> tuple[int, float]:
    """How many since the last reset, and how many µs the server took for one."""
    stats: Any = bus.info("commandstats")
    counted = [stats[f"cmdstat_{name}"] for name in ("eval", "evalsha") if f"cmdstat_{name}" in stats]
    calls = sum(row["calls"] for row in counted)
    return calls, sum(row["usec"] for row in counted) / max(1, calls)


def fail(breaker: Breaker) -> None:
    with pytest.raises(Away), breaker:
        raise Away


def show(figures: str) -> None:
    """With `pytest -s`."""
    sys.stdout.write(f"\n{figures}\n")


def nothing() -> None:
    pass


def test_closed_breaker_costs_four_questions_a_second(bus: "redis.Redis") -> None:
    """A thousand calls a second, for ten of the breaker's seconds."""
    now = [0.0]
    breaker = Breaker(POLICY, RedisStore(bus), clock=lambda: now[0])
    bus.config_resetstat()
    began = time.perf_counter()
    for _ in range(CALLS):
        now[0] += 0.001
        with breaker:
            pass
    took_s = time.perf_counter() - began
    questions, _us = scripts_run(bus)
    show(f"a call through a closed breaker: {took_s / CALLS * 1e6:.1f} µs, {questions} questions for {CALLS}")
    assert 39 <= questions <= 41
    snapshot = breaker.snapshot()
    assert CALLS - 250 <= snapshot.calls <= CALLS  # the last wait for their batch
    assert (snapshot.state, snapshot.failures) == (State.CLOSED, 0)


def test_threads_share_the_questions(bus: "redis.Redis") -> None:
    breaker = Breaker(POLICY, RedisStore(bus))
    bus.config_resetstat()
    began = time.perf_counter()

    def work(_number: int) -> None:
        for _ in range(CALLS // 8):
            breaker.call(nothing)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    took_s = time.perf_counter() - began
    questions, _us = scripts_run(bus)
    show(f"from 8 threads: {took_s / CALLS * 1e6:.1f} µs, {questions} questions for {CALLS}")
    assert questions <= 2 + 4 * took_s


def test_failure_and_refusal_cost(bus: "redis.Redis") -> None:
    policy = BreakerPolicy("failing", timeout_s=5, opens_at=1, rest_s=60, least_calls=10**9)
    breaker = Breaker(policy, RedisStore(bus))
    bus.config_resetstat()
    began = time.perf_counter()
    for _ in range(1_000):
        fail(breaker)
    failing_s = time.perf_counter() - began
    questions, server_us = scripts_run(bus)
    assert 1_000 < questions <= 1_002 + 2 * failing_s
    breaker.force_open()
    bus.config_resetstat()
    began = time.perf_counter()
    for _ in range(1_000):
        with pytest.raises(Open), breaker:
            pass
    refusing_s = time.perf_counter() - began
    show(f"a failure: {failing_s:.3f} ms, of it the server {server_us:.0f} µs; refusal {refusing_s:.4f} ms")
    assert scripts_run(bus)[0] <= 2 * refusing_s + 1


def test_valkey_that_hangs_costs_one_timeout(bus: "redis.Redis", client: "redis.Redis") -> None:
    breaker = Breaker(POLICY, RedisStore(client))
    breaker.call(nothing)
    with hanging(bus):
        began = time.perf_counter()
        done = 0
        for number in range(1_000):
            if number % 2:
                fail(breaker)
            else:
                breaker.call(nothing)
            done += 1
        took_s = time.perf_counter() - began
    show(f"1,000 calls with a Valkey that hangs: {took_s:.3f} s, its timeout being {TIMEOUT_S} s")
    assert done == 1_000
    assert took_s < TIMEOUT_S * (2 + took_s) + BUSY_S


def test_valkey_that_hangs_costs_one_timeout_a_second(bus: "redis.Redis", client: "redis.Redis") -> None:
    """Five seconds of calls, on a clock that the test moves."""
    now = [0.0]
    counting = Counting(client)
    breaker = Breaker(POLICY, store_of(counting, lambda: now[0]), clock=lambda: now[0])
    breaker.call(nothing)
    counting.asked = 0
    with hanging(bus):
        began = time.perf_counter()
        for _ in range(1_000):
            now[0] += 0.005
            assert breaker.call(lambda: 42) == 42
        took_s = time.perf_counter() - began
    assert counting.asked == 5
    assert 5 * TIMEOUT_S <= took_s < 5 * TIMEOUT_S + BUSY_S


def test_all_breakers_of_a_store_find_out_together() -> None:
    counting = Counting(connect(TIMEOUT_S, "redis://127.0.0.1:1/0"))
    store = store_of(counting, lambda: 0.0)
    for name in ("anthropic", "openai", "telegram"):
        breaker = Breaker(BreakerPolicy(name, timeout_s=5, opens_at=0.5, rest_s=9), store)
        assert breaker.call(lambda: 42) == 42
        assert breaker.snapshot().store_is_away
    assert counting.asked == 1


def test_open_breaker_lets_pass_while_valkey_hangs_and_is_open_again_after_it(
    bus: "redis.Redis", client: "redis.Redis"
) -> None:
    now = [0.0]
    breaker = Breaker(POLICY, RedisStore(client, clock=lambda: now[0]), clock=lambda: now[0])
    for _ in range(4):
        fail(breaker)
    with pytest.raises(Open):
        breaker.call(nothing)
    with hanging(bus):
        now[0] += 1
        assert breaker.call(lambda: 42) == 42
        assert breaker.snapshot().store_is_away
    now[0] += 1
    with pytest.raises(Open):
        breaker.call(nothing)
    assert breaker.snapshot().state is State.OPEN


def test_flush_closes_and_goes_on_counting(bus: "redis.Redis") -> None:
    now = [0.0]
    breaker = Breaker(POLICY, RedisStore(bus), clock=lambda: now[0])
    for _ in range(4):
        fail(breaker)
    bus.flushall()
    bus.script_flush()
    now[0] += 0.5
    assert breaker.call(lambda: 42) == 42
    for _ in range(3):
        fail(breaker)
    snapshot = breaker.snapshot()
    assert (snapshot.state, snapshot.calls, snapshot.failures) == (State.OPEN, 4, 3)


def test_nobody_listening_costs_next_to_nothing() -> None:
    breaker = Breaker(POLICY, RedisStore(connect(TIMEOUT_S, "redis://127.0.0.1:1/0")))
    with Stopwatch() as watch:
        for _ in range(1_000):
            breaker.call(nothing)
    assert watch.took_s < 1
    assert breaker.snapshot().store_is_away
