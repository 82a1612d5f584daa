"""Commands of many threads share a round trip: each gets its own answer, and its own error."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import redis

from khronos.bus.connection import connect

THREADS = 24


def test_each_thread_gets_its_own_answer(bus: "redis.Redis") -> None:
    def echo(number: int) -> bool:
        return all(bus.echo(f"{number}-{again}") == f"{number}-{again}".encode() for again in range(50))

    with ThreadPoolExecutor(THREADS) as crew:
        assert list(crew.map(echo, range(THREADS))) == [True] * THREADS


def test_many_threads_need_one_connection(bus: "redis.Redis") -> None:
    client = connect(5.0)
    together = Barrier(THREADS)

    def count(_number: int) -> None:
        together.wait(5)
        for _ in range(20):
            client.incr("n")

    with ThreadPoolExecutor(THREADS) as crew:
        list(crew.map(count, range(THREADS)))
    assert bus.get("n") == str(THREADS * 20).encode()
    (idle, _), (in_use, _) = client.connection_pool.get_connection_count()
    assert (in_use, idle) == (0, 1)
    client.close()


def test_an_error_is_that_of_its_command_alone(bus: "redis.Redis") -> None:
    bus.set("word", "x")

    def fails(number: int) -> bool:
        if number % 2:
            return bus.echo(str(number)) == str(number).encode()
        with pytest.raises(redis.ResponseError, match="not an integer"):
            bus.incr("word")
        return True

    with ThreadPoolExecutor(THREADS) as crew:
        assert list(crew.map(fails, range(THREADS * 4))) == [True] * THREADS * 4


def test_a_command_that_waits_keeps_nobody_waiting(bus: "redis.Redis") -> None:
    bus.xgroup_create("s", "g", id="0", mkstream=True)
    with ThreadPoolExecutor(1) as crew:
        waits = crew.submit(bus.xreadgroup, "g", "me", {"s": ">"}, block=3000)
        assert bus.echo("now") == b"now"
        assert not waits.done()
        bus.xadd("s", {"a": "b"})
        assert waits.result(5)
