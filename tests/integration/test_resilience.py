"""Locks on a real Valkey, and group commits in real threads."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from khronos.resilience.groupcommit import GroupCommit
from khronos.resilience.locks import RedisLock


def test_lock_has_one_owner_who_alone_extends_and_releases(bus: "redis.Redis") -> None:
    mine, other = RedisLock(bus, "x", 10_000), RedisLock(bus, "x", 10_000)
    assert (mine.acquire(), other.acquire()) == (True, False)
    assert (mine.extend(), other.extend()) == (True, False)
    other.release()
    assert bus.exists("lock:x") == 1
    mine.release()
    assert other.acquire()


def test_lock_of_a_dead_owner_ends_by_itself(bus: "redis.Redis") -> None:
    assert RedisLock(bus, "x", 10_000).acquire()
    assert 0 < bus.pttl("lock:x") <= 10_000


def test_lock_of_an_earlier_life_is_released_by_its_owner_alone(bus: "redis.Redis") -> None:
    assert RedisLock(bus, "x", 10_000, "agent").acquire()
    assert not RedisLock(bus, "x", 10_000, "agent-2").release_inherited()
    next_life = RedisLock(bus, "x", 10_000, "agent")
    assert (next_life.acquire(), next_life.release_inherited(), next_life.acquire()) == (False, True, True)


def test_many_writers_share_a_write_and_each_gets_its_own_result() -> None:
    batches: list[int] = []
    gate = threading.Event()

    def write(items: Sequence[int]) -> list[int | BaseException]:
        gate.wait(5)
        batches.append(len(items))
        return [ValueError(item) if item == 13 else item * 2 for item in items]

    pen: GroupCommit[int, int] = GroupCommit(write, most=16)
    with ThreadPoolExecutor(20) as pool:
        futures = {number: pool.submit(pen.submit, number) for number in range(20)}
        gate.set()
        for number, future in futures.items():
            if number == 13:
                with pytest.raises(ValueError, match="13"):
                    future.result(10)
            else:
                assert future.result(10) == number * 2
    assert sum(batches) == 20
    assert max(batches) <= 16


def test_failed_write_fails_everyone_in_it_and_nobody_after() -> None:
    down = [True]

    def write(items: Sequence[int]) -> Sequence[int]:
        if down.pop():
            raise OSError("disk full")
        return items

    pen: GroupCommit[int, int] = GroupCommit(write)
    with pytest.raises(OSError, match="disk full"):
        pen.submit(1)
    down.append(False)
    assert pen.submit(2) == 2
