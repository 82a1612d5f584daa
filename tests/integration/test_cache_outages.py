"""A cache whose Valkey hangs, dies and comes back: all is computed, nothing fails, little time is lost."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from bench.patience import free_port
from khronos.resilience.cache import Cache, CachePolicy, Caches, LinkPolicy, RedisStore
from tests.valkey import start_valkey

TIMEOUT_S = 0.5
LINK = LinkPolicy(rest_s=1.0, retry_s=0.05, look_every_s=0.05)


class OwnValkey:
    """One to be stopped and killed."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self.start()

    def start(self) -> None:
        self.process = start_valkey(self._folder, self.port)

    def client(self) -> "redis.Redis":
        return redis.Redis.from_url(
            f"redis://127.0.0.1:{self.port}", socket_timeout=TIMEOUT_S, retry=None, protocol=2
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OwnValkey]:
    server = OwnValkey(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def process(server: OwnValkey) -> Iterator[Callable[[], Caches]]:
    """Another one each time it is called, as far as caches can tell."""
    begun: list[tuple[Caches, redis.Redis]] = []

    def begin() -> Caches:
        client = server.client()
        begun.append((Caches(RedisStore(client, silence_s=0.3), LINK), client))
        return begun[-1][0]

    yield begin
    for caches, client in begun:
        caches.close()
        client.close()


def eventually(is_so: Callable[[], bool], within_s: float = 10.0) -> None:
    end = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def listens(cache: Cache) -> bool:
    return cache.stats().listening_s is not None


def listening(cache: Cache) -> Cache:
    cache.get("is anybody there?", lambda: True)
    eventually(lambda: listens(cache))
    return cache


def is_shared(here: Cache, there: Cache) -> bool:
    """Whoever comes while another tries a store that was away goes on without it."""
    key = f"{time.monotonic()}"
    return here.get(key, lambda: "here") == there.get(key, lambda: "there") == "here"


def test_hanging_valkey_costs_one_timeout_a_second(server: OwnValkey, process: Callable[[], Caches]) -> None:
    def compute() -> str:
        time.sleep(0.002)
        return "value"

    cache = listening(process().add(CachePolicy("names")))
    server.process.send_signal(signal.SIGSTOP)
    began, slow = time.monotonic(), 0
    for number in range(1000):
        asked = time.monotonic()
        assert cache.get(f"{number}", compute) == "value"
        slow += time.monotonic() - asked > TIMEOUT_S * 0.9
    seconds = time.monotonic() - began
    print(f"1,000 computations of 2 ms took {seconds:.2f} s, {slow} of them with a timeout")  # noqa: T201
    stats = cache.stats()
    assert stats.computes >= 1000
    assert (stats.hits_local, stats.hits_shared, stats.waits) == (0, 0, 0)
    assert 1 <= stats.errors <= seconds / (LINK.rest_s + TIMEOUT_S) + 1
    server.process.send_signal(signal.SIGCONT)


def test_hanging_valkey_is_used_again_when_it_goes_on(
    server: OwnValkey, process: Callable[[], Caches]
) -> None:
    here, there = (listening(process().add(CachePolicy("names"))) for _ in range(2))
    server.process.send_signal(signal.SIGSTOP)
    assert here.get("a", lambda: "during") == "during"
    eventually(lambda: not listens(here))  # a line that only is silent is found dead
    server.process.send_signal(signal.SIGCONT)
    eventually(lambda: listens(here) and listens(there))
    eventually(lambda: is_shared(here, there))
    began = time.monotonic()
    assert here.get("a", lambda: "after") == "after"
    assert time.monotonic() - began < 4  # the lock of the look that timed out is gone
    assert there.get("a", lambda: "never") == "after"


def test_invalidation_works_again_after_valkey_was_killed(
    server: OwnValkey, process: Callable[[], Caches]
) -> None:
    here, there = (listening(process().add(CachePolicy("names"))) for _ in range(2))
    server.kill()
    eventually(lambda: not listens(here) and not listens(there))
    assert there.get("a", lambda: "during") == "during"
    killed = time.monotonic()
    server.start()
    eventually(lambda: listens(here) and listens(there))
    print(f"listeners were back {time.monotonic() - killed:.2f} s after the restart")  # noqa: T201
    assert (here.stats().entries, there.stats().entries) == (0, 0)  # something may have been missed
    eventually(lambda: is_shared(here, there) and is_shared(there, here))
    assert there.get("a", lambda: "after") == "after"
    assert there.memory.find("a")
    assert here.invalidate("a*")
    eventually(lambda: there.memory.find("a") is None, within_s=2)
    assert there.get("a", lambda: "new") == here.get("a", lambda: "newer") == "new"


def test_values_in_memory_live_shorter_while_invalidations_are_not_heard(
    server: OwnValkey, process: Callable[[], Caches]
) -> None:
    cache = listening(process().add(CachePolicy("names", unheard_s=1.0)))
    assert cache.get("old", lambda: 1) == cache.get("old", lambda: 2) == 1
    time.sleep(1.1)
    assert cache.get("old", lambda: 3) == 1
    server.kill()
    eventually(lambda: not listens(cache))
    assert cache.get("young", lambda: 1) == cache.get("young", lambda: 2) == 1
    time.sleep(1.1)
    assert (cache.get("old", lambda: 3), cache.get("young", lambda: 3)) == (3, 3)


def test_invalidation_during_an_outage_is_told_when_it_is_over(
    server: OwnValkey, process: Callable[[], Caches]
) -> None:
    here, there = (listening(process().add(CachePolicy("names", local_s=0))) for _ in range(2))
    assert there.get("a", lambda: "old") == "old"
    server.process.send_signal(signal.SIGSTOP)
    assert not here.invalidate("a")
    server.process.send_signal(signal.SIGCONT)
    eventually(lambda: there.get("a", lambda: "new") == "new")
    assert (
        here.get("a", lambda: "newer") != "old"
    )  # it may be told twice: the timed out call can arrive as well


def test_cache_may_begin_without_valkey(server: OwnValkey, process: Callable[[], Caches]) -> None:
    server.kill()
    cache = process().add(CachePolicy("names"))
    assert cache.get("a", lambda: "value") == cache.get("a", lambda: "never") == "value"
    assert cache.stats().hits_local == 1
    assert not cache.invalidate("a")
    assert cache.get("a", lambda: "new") == "new"
    server.start()
    eventually(lambda: listens(cache))
