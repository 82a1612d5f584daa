"""One breaker in many real processes: one probe at a time, even when the prober is killed; one who tells."""

import multiprocessing
import os
import queue
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

import pytest
import redis

from khronos.resilience.breakers import Breaker, BreakerPolicy, Change, Open, RedisStore, State

PROCESSES, THREADS, ROUNDS = 8, 8, 5
POLICY = BreakerPolicy("shared", timeout_s=20, opens_at=0.5, rest_s=60, least_calls=10)
QUICK = BreakerPolicy("quick", timeout_s=0.2, opens_at=0.5, rest_s=60)
LEASE_S = QUICK.lease_ms / 1000
SPAWN = multiprocessing.get_context("spawn")

Told = list[tuple[str, str]]
Work = Callable[[str, Connection], None]


class Away(Exception):
    pass


def shared(url: str, policy: BreakerPolicy, changes: list[Change]) -> Breaker:
    client = redis.Redis.from_url(url, socket_timeout=10, protocol=2)
    return Breaker(policy, RedisStore(client), on_change=changes.append)


def told(changes: list[Change]) -> Told:
    return [(change.before.value, change.after.value) for change in changes]


def ask_together(url: str, line: Connection) -> None:
    """All threads at once, each round anew; who may probe does so until everybody has asked."""
    for _ in range(ROUNDS):
        changes: list[Change] = []
        breaker = shared(url, POLICY, changes)
        outcomes: queue.SimpleQueue[str] = queue.SimpleQueue()
        everybody, probe_ends = threading.Barrier(THREADS), threading.Event()

        def ask(
            _number: int,
            breaker: Breaker = breaker,
            outcomes: "queue.SimpleQueue[str]" = outcomes,
            everybody: threading.Barrier = everybody,
            probe_ends: threading.Event = probe_ends,
        ) -> None:
            everybody.wait(10)
            try:
                with breaker:
                    outcomes.put("probes")
                    probe_ends.wait(15)
            except Open:
                outcomes.put("refused")

        line.send("ready")
        line.recv()
        with ThreadPoolExecutor(THREADS) as pool:
            asking = [pool.submit(ask, number) for number in range(THREADS)]
            line.send(Counter(outcomes.get(timeout=10) for _ in asking))
            line.recv()
            probe_ends.set()
        line.send(told(changes))


def fail_together(url: str, line: Connection) -> None:
    changes: list[Change] = []
    breaker = shared(url, POLICY, changes)

    def fail(_number: int) -> str:
        try:
            with breaker:
                raise Away
        except Away:
            return "failed"
        except Open:
            return "refused"

    line.send("ready")
    line.recv()
    with ThreadPoolExecutor(THREADS) as pool:
        line.send((Counter(pool.map(fail, range(THREADS * 20))), told(changes)))


def probe_until_killed(url: str, line: Connection) -> None:
    breaker = shared(url, QUICK, [])
    line.send("ready")
    line.recv()
    with breaker:
        line.send("probes")
        line.recv()


@contextmanager
def process(work: Work, url: str) -> Iterator[tuple[SpawnProcess, Connection]]:
    ours, theirs = SPAWN.Pipe()
    child = SPAWN.Process(target=work, args=(url, theirs), daemon=True)
    child.start()
    theirs.close()
    try:
        yield child, ours
    finally:
        child.kill()
        child.join(10)
        ours.close()


def heard[T](lines: list[Connection], _kind: type[T]) -> list[T]:
    for line in lines:
        assert line.poll(40), "a process says nothing"
    return [line.recv() for line in lines]


def tell(lines: list[Connection]) -> None:
    for line in lines:
        line.send("go on")


def test_half_open_lets_one_of_many_processes_and_threads_probe(valkey: str, bus: "redis.Redis") -> None:
    operator = Breaker(POLICY, RedisStore(bus))
    with ExitStack() as stack:
        lines = [stack.enter_context(process(ask_together, valkey))[1] for _ in range(PROCESSES)]
        for _ in range(ROUNDS):
            assert heard(lines, str) == ["ready"] * PROCESSES
            operator.force_open(for_s=0)
            tell(lines)
            outcomes = sum(heard(lines, Counter[str]), Counter[str]())
            assert outcomes == {"probes": 1, "refused": PROCESSES * THREADS - 1}
            assert operator.snapshot().is_probing
            tell(lines)
            changes = Counter(change for each in heard(lines, Told) for change in each)
            assert changes == {("open", "half-open"): 1, ("half-open", "closed"): 1}
            assert operator.snapshot().state is State.CLOSED


def test_opening_is_told_once_over_all_processes(valkey: str, bus: "redis.Redis") -> None:
    with ExitStack() as stack:
        lines = [stack.enter_context(process(fail_together, valkey))[1] for _ in range(PROCESSES)]
        assert heard(lines, str) == ["ready"] * PROCESSES
        tell(lines)
        reports = heard(lines, tuple[Counter[str], Told])
    outcomes = sum((counted for counted, _told in reports), Counter[str]())
    assert outcomes.total() == PROCESSES * THREADS * 20
    assert outcomes["failed"] >= POLICY.least_calls
    assert outcomes["refused"] > 0
    assert [change for _counted, changes in reports for change in changes] == [("closed", "open")]
    assert Breaker(POLICY, RedisStore(bus)).snapshot().openings == 1


def test_place_of_a_killed_prober_is_free_when_its_lease_ends(valkey: str, bus: "redis.Redis") -> None:
    breakers = [Breaker(QUICK, RedisStore(bus)) for _ in range(4)]
    breakers[0].force_open(for_s=0)
    with process(probe_until_killed, valkey) as (child, line):
        assert heard([line], str) == ["ready"]
        began = time.monotonic()
        tell([line])
        assert heard([line], str) == ["probes"]
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join(10)
    for breaker in breakers[1:]:
        with pytest.raises(Open), breaker:
            pytest.fail("the dead one's lease has not ended")
    successor = first_to_probe(breakers[1:], began + 20)
    took_s = time.monotonic() - began
    assert took_s >= LEASE_S
    assert breakers[0].snapshot().is_probing
    for breaker in breakers[1:]:
        if breaker is not successor:
            with pytest.raises(Open), breaker:
                pytest.fail("two probes at a time")
    successor.__exit__(None, None, None)
    assert breakers[0].snapshot().state is State.CLOSED


def first_to_probe(breakers: list[Breaker], deadline: float) -> Breaker:
    while time.monotonic() < deadline:
        for breaker in breakers:
            try:
                return breaker.__enter__()
            except Open as refusal:
                time.sleep(min(refusal.retry_after_s, 0.05))  # until the server's clock ends the lease
    raise AssertionError("nobody may probe any more")
