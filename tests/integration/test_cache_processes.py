"""A cache in several real processes: one computes for all, and all hear of an invalidation."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from khronos.resilience.cache import CachePolicy, Caches, RedisStore
from tests.stopwatch import Stopwatch

PROGRAM = """
import os, sys, threading, time
import redis
from khronos.resilience.cache import CachePolicy, Caches, RedisStore

client = redis.Redis.from_url(sys.argv[1], socket_timeout=5, retry=None, protocol=2)
cache = Caches(RedisStore(client)).add(CachePolicy("names", patience_s=30))


def say(*words):
    print(*words, flush=True)


def compute():
    client.incr("computed")
    time.sleep(0.3)
    return "value"


def listen():
    while cache.stats().listening_s is None:
        cache.get("is anybody there?", lambda: True)
        time.sleep(0.005)


def stampede(count):
    go, values = threading.Event(), []
    threads = [
        threading.Thread(target=lambda: (go.wait(), values.append(cache.get("a", compute))))
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    say("ready")
    sys.stdin.readline()
    go.set()
    for thread in threads:
        thread.join()
    stats = cache.stats()
    say(len(values), *set(values), stats.computes, stats.waits + stats.hits_local + stats.hits_shared)


def watch(key):
    listen()
    cache.get(key, lambda: "old")
    say("ready")
    while cache.memory.find(key):
        time.sleep(0.0002)
    say(time.monotonic())
    say(cache.get(key, lambda: "new"))


def fork():
    listen()
    cache.get("a", lambda: "value")
    before = cache.stats().entries
    sys.stdout.flush()
    if child := os.fork():
        os.waitpid(child, 0)
        say("parent", before, cache.stats().entries)
        return
    say("child", cache.stats().entries, cache.stats().listening_s)
    say(cache.get("a", lambda: "never"), cache.stats().hits_shared)
    listen()
    say("listens")
    os._exit(0)


command, *words = sys.argv[2:]
{"stampede": lambda: stampede(int(words[0])), "watch": lambda: watch(words[0]), "fork": fork}[command]()
"""

type Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def client(valkey: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(valkey, socket_timeout=5, retry=None, protocol=2) as client:
        client.flushall()
        yield client


@pytest.fixture
def start(valkey: str) -> Iterator[Start]:
    begun: list[subprocess.Popen[str]] = []

    def begin(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM, valkey, *words]
        begun.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_four_processes_of_eight_threads_compute_a_missing_key_once(
    client: "redis.Redis", start: Start
) -> None:
    processes = [start("stampede", "8") for _ in range(4)]
    assert [line(process) for process in processes] == ["ready"] * 4
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = sorted(line(process) for process in processes)
    assert answers == ["8 value 0 8"] * 3 + ["8 value 1 7"]
    assert client.get("computed") == b"1"
    assert [process.wait(5) for process in processes] == [0] * 4  # the listener holds none of them up


def test_invalidation_reaches_four_other_processes_at_once(
    client: "redis.Redis", start: Start, record_property: Callable[[str, object], None]
) -> None:
    processes = [start("watch", "channel:7") for _ in range(4)]
    assert [line(process) for process in processes] == ["ready"] * 4
    caches = Caches(RedisStore(client))
    began = time.monotonic()
    with Stopwatch() as watch:
        assert caches.add(CachePolicy("names")).invalidate("channel:*")
        slowest_s = max(float(line(process)) for process in processes) - began
    assert [line(process) for process in processes] == ["new"] * 4
    print(f"the last of four processes heard of it after {slowest_s * 1000:.1f} ms")  # noqa: T201
    record_property("slowest_s", slowest_s)
    assert slowest_s < 1 + watch.stood_s


def test_forked_child_remembers_nothing_and_listens_by_itself(client: "redis.Redis", start: Start) -> None:
    process = start("fork")
    assert line(process) == "child 0 None"
    assert line(process) == "value 1"
    assert line(process) == "listens"
    parent, before, after = line(process).split()
    assert (parent, before) == ("parent", after)
    assert process.wait(5) == 0
