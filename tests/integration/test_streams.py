"""The bus on a real Valkey: groups, the dead's entries, dead letters, flushes, trimming."""

from collections.abc import Iterable

import pytest
import redis

from khronos.bus import streams
from khronos.bus.streams import DEAD, TRIES, Consumer, Entry
from tests.integration import way

STREAM = "inbox.message.received"


class Worker:
    """A consumer that remembers what it did, and fails as long as it is told to."""

    def __init__(self, bus: "redis.Redis", name: str, *, failing: bool = False) -> None:
        self.handled: list[str] = []
        self.buried: list[str] = []
        self.failing = failing
        self.consumer = Consumer(bus, "g", name, [STREAM], self.handle, self.bury, idle_ms=0)
        self.consumer.join()

    def handle(self, entries: list[Entry]) -> Iterable[str]:
        if self.failing:
            raise ConnectionError("handler fails")
        self.handled += [entry.fields["n"] for entry in entries]
        return [entry.id for entry in entries]

    def bury(self, entry: Entry) -> None:
        self.buried.append(entry.fields["n"])


def put(bus: "redis.Redis", *numbers: int) -> None:
    streams.publish(bus, [{"event": STREAM, "n": str(number)} for number in numbers])


def pending(bus: "redis.Redis") -> int:
    return int(bus.xpending(STREAM, "g")["pending"])


def test_handled_entries_are_acknowledged(bus: "redis.Redis") -> None:
    worker = Worker(bus, "a")
    put(bus, 1, 2, 3)
    assert worker.consumer.read(10) == 3
    assert (worker.handled, pending(bus)) == (["1", "2", "3"], 0)


def test_entries_of_a_dead_consumer_are_adopted_by_another(bus: "redis.Redis") -> None:
    dead, alive = Worker(bus, "a", failing=True), Worker(bus, "b")
    put(bus, 1, 2)
    with pytest.raises(ConnectionError):
        dead.consumer.read(10)
    assert alive.consumer.read(10) == 0
    assert alive.consumer.adopt() == 2
    assert (alive.handled, pending(bus)) == (["1", "2"], 0)


def test_entry_that_fails_too_often_becomes_a_dead_letter_and_the_rest_go_on(bus: "redis.Redis") -> None:
    worker = Worker(bus, "a", failing=True)
    put(bus, 1)
    with pytest.raises(ConnectionError):
        worker.consumer.read(10)
    for _ in range(TRIES - 1):
        with pytest.raises(ConnectionError):
            worker.consumer.adopt()
    worker.consumer.adopt()
    assert (worker.buried, pending(bus)) == (["1"], 0)
    [letter] = way.told(bus, DEAD)
    assert letter["stream"] == STREAM
    worker.failing = False
    put(bus, 2)
    worker.consumer.read(10)
    assert worker.handled == ["2"]


def test_flushed_server_gets_its_group_again(bus: "redis.Redis") -> None:
    worker = Worker(bus, "a")
    bus.flushall()
    put(bus, 1)
    worker.consumer.read(10)
    worker.consumer.read(10)
    assert worker.handled == ["1"]


def test_trimming_keeps_what_nobody_acknowledged(bus: "redis.Redis") -> None:
    worker = Worker(bus, "a")
    put(bus, *range(50))
    worker.failing = True
    with pytest.raises(ConnectionError):
        worker.consumer.read(10)
    assert streams.trim(bus, STREAM, keep=10) == 0
    worker.failing = False
    worker.consumer.adopt()
    assert streams.trim(bus, STREAM, keep=10) == 40
    assert bus.xlen(STREAM) == 10


def test_trimming_keeps_what_nobody_read(bus: "redis.Redis") -> None:
    Worker(bus, "a")
    put(bus, *range(30))
    assert streams.trim(bus, STREAM, keep=10) == 0


def test_short_stream_is_not_trimmed(bus: "redis.Redis") -> None:
    put(bus, 1)
    assert streams.trim(bus, STREAM, keep=10) == 0
