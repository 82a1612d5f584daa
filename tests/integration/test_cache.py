"""A cache in threads of one process, over the twin in memory and over a real Valkey."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from khronos.resilience.cache import Cache, CachePolicy, Caches, LinkPolicy, MemoryStore, RedisStore
from khronos.resilience.cache.memory import Flight
from khronos.resilience.cache.store import SharedStore

LINK = LinkPolicy(look_every_s=0.01, retry_s=0.01)
PATIENT_S = 30.0


@pytest.fixture
def client(valkey: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(valkey, socket_timeout=5, retry=None, protocol=2) as client:
        client.flushall()
        yield client


@pytest.fixture(params=["twin", "valkey"])
def store(request: pytest.FixtureRequest) -> SharedStore:
    return MemoryStore() if request.param == "twin" else RedisStore(request.getfixturevalue("client"))


@pytest.fixture
def process(store: SharedStore) -> Iterator[Callable[[], Caches]]:
    """Another one each time it is called, as far as caches can tell."""
    begun: list[Caches] = []

    def begin() -> Caches:
        begun.append(Caches(store, LINK))
        return begun[-1]

    yield begin
    for caches in begun:
        caches.close()


@pytest.fixture
def cache(process: Callable[[], Caches]) -> Cache:
    return process().add(CachePolicy("names", patience_s=PATIENT_S))


class Computation:
    def __init__(self, *results: Any) -> None:
        self.results = list(results)
        self.count = 0
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def __call__(self) -> Any:
        self.count += 1
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        self.begun.set()
        assert self.go_on.wait(PATIENT_S)
        if isinstance(result, BaseException):
            raise result
        return result


def listening(cache: Cache) -> None:
    """Once a cache has been asked, its process begins to listen; what it kept before is then forgotten."""
    cache.get("is anybody there?", lambda: True)
    while cache.stats().listening_s is None:
        threading.Event().wait(0.005)


def counts(cache: Cache) -> dict[str, int]:
    stats = cache.stats()
    names = ("hits_local", "hits_shared", "computes", "waits", "errors")
    return {name: getattr(stats, name) for name in names if getattr(stats, name)}


def test_value_is_computed_once_and_then_found_in_memory(cache: Cache) -> None:
    listening(cache)
    before = counts(cache)["computes"]
    compute = Computation({"id": 7})
    assert [cache.get("channel:7", compute) for _ in range(4)] == [{"id": 7}] * 4
    assert compute.count == 1
    assert counts(cache) == {"computes": before + 1, "hits_local": 3}


def test_another_process_finds_what_this_one_computed(process: Callable[[], Caches]) -> None:
    here, there = (process().add(CachePolicy("names")) for _ in range(2))
    compute = Computation({"id": 7})
    assert here.get("channel:7", compute) == there.get("channel:7", compute) == {"id": 7}
    assert compute.count == 1
    assert counts(there) == {"hits_shared": 1}


def test_value_is_the_same_whichever_layer_it_comes_from(process: Callable[[], Caches]) -> None:
    here, there = (process().add(CachePolicy("names")) for _ in range(2))
    values = [cache.get("pair", lambda: (1, 2)) for cache in (here, here, there)]
    assert [repr(value) for value in values] == ["[1, 2]"] * 3  # as JSON has it


def test_value_that_cannot_be_encoded_is_an_error_at_once(cache: Cache) -> None:
    with pytest.raises(TypeError):
        cache.get("a", object)
    assert cache.get("a", lambda: 1) == 1  # and the key is free


def test_encoding_may_be_given(process: Callable[[], Caches]) -> None:
    here, there = (process().add(CachePolicy("sets"), encode=bytes, decode=set) for _ in range(2))
    assert here.get("a", lambda: {1, 2}) == there.get("a", lambda: {3}) == {1, 2}


def test_thirty_two_threads_that_miss_one_key_compute_it_once(cache: Cache) -> None:
    listening(cache)
    before = counts(cache)["computes"]
    compute = Computation("value")
    compute.go_on.clear()
    with ThreadPoolExecutor(32) as pool:
        asked = [pool.submit(cache.get, "a", compute) for _ in range(32)]
        assert compute.begun.wait(5)
        compute.go_on.set()
        assert [future.result(10) for future in asked] == ["value"] * 32
    assert compute.count == 1
    stats = cache.stats()
    assert stats.computes == before + 1
    assert stats.waits + stats.hits_local == 31
    assert (stats.hits_shared, stats.errors) == (0, 0)


def test_two_processes_that_miss_one_key_compute_it_once(
    store: SharedStore, process: Callable[[], Caches]
) -> None:
    is_waiting = threading.Event()

    def sleep(seconds: float) -> None:
        is_waiting.set()
        compute.go_on.wait(seconds)

    here = process().add(CachePolicy("names", patience_s=PATIENT_S))
    other = Caches(store, LINK, sleep=sleep)
    there = other.add(CachePolicy("names", patience_s=PATIENT_S))
    compute = Computation("value")
    compute.go_on.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(here.get, "a", compute)
        assert compute.begun.wait(5)
        second = pool.submit(there.get, "a", compute)
        assert is_waiting.wait(5)
        compute.go_on.set()
        assert (first.result(10), second.result(10)) == ("value", "value")
    assert compute.count == 1
    assert counts(here) == {"computes": 1}
    assert counts(there) == {"waits": 1}
    other.close()


def test_error_goes_to_all_who_wait_and_is_not_kept(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, wait = threading.Semaphore(0), Flight.wait

    def tell(flight: Flight, patience_s: float) -> bool:
        waiting.release()
        return wait(flight, patience_s)

    monkeypatch.setattr(Flight, "wait", tell)
    listening(cache)
    compute = Computation(ValueError("no such channel"), "value")
    compute.go_on.clear()
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(cache.get, "a", compute)
        assert compute.begun.wait(5)
        others = [pool.submit(cache.get, "a", compute) for _ in range(7)]
        assert all(waiting.acquire(timeout=5) for _ in others)
        compute.go_on.set()
        for future in (first, *others):
            with pytest.raises(ValueError, match="no such channel"):
                future.result(10)
    assert compute.count == 1
    assert cache.get("a", compute) == "value"
    assert compute.count == 2


def fail_while_another_waits(here: Cache, failing: Computation, there: Cache, working: Computation) -> None:
    """Whoever waited computes the value himself, and the error is the first one's alone."""
    failing.go_on.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(here.get, "a", failing)
        assert failing.begun.wait(5)
        second = pool.submit(there.get, "a", working)
        failing.go_on.set()
        assert second.result(10) == "value"
        assert first.exception(10) is failing.results[0]


def test_error_in_one_process_leaves_the_key_to_another(process: Callable[[], Caches]) -> None:
    here, there = (process().add(CachePolicy("names", patience_s=PATIENT_S)) for _ in range(2))
    failing, working = Computation(ValueError("not here")), Computation("value")
    fail_while_another_waits(here, failing, there, working)
    assert (failing.count, working.count) == (1, 1)


def test_thread_that_is_told_to_end_leaves_the_key_to_one_who_waits(cache: Cache) -> None:
    fail_while_another_waits(cache, Computation(SystemExit()), cache, Computation("value"))


def test_nothing_is_a_value(process: Callable[[], Caches]) -> None:
    here, there = (process().add(CachePolicy("names", nothing_s=60)) for _ in range(2))
    compute = Computation(None)
    assert [cache.get("a", compute) for cache in (here, here, there)] == [None] * 3
    assert compute.count == 1


def test_nothing_is_not_kept_where_the_policy_says_so(process: Callable[[], Caches]) -> None:
    here, there = (process().add(CachePolicy("names", nothing_s=0)) for _ in range(2))
    compute = Computation(None, None, None, "value")
    assert [cache.get("a", compute) for cache in (here, here, there)] == [None] * 3
    assert compute.count == 3
    assert there.get("a", compute) == here.get("a", compute) == "value"
    assert compute.count == 4


def test_who_is_out_of_patience_with_another_process_computes(process: Callable[[], Caches]) -> None:
    here = process().add(CachePolicy("names", patience_s=PATIENT_S))
    there = process().add(CachePolicy("names", patience_s=0.05))
    slow, own = Computation("slow"), Computation("own")
    slow.go_on.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(here.get, "a", slow)
        assert slow.begun.wait(5)
        assert there.get("a", own) == "own"
        slow.go_on.set()
        assert first.result(10) == "slow"
    assert (slow.count, own.count) == (1, 1)


def test_who_is_out_of_patience_with_another_thread_computes(process: Callable[[], Caches]) -> None:
    cache = process().add(CachePolicy("names", patience_s=0.05, shared_s=0))
    listening(cache)
    slow, own = Computation("slow"), Computation("own")
    slow.go_on.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cache.get, "a", slow)
        assert slow.begun.wait(5)
        began = time.monotonic()
        assert cache.get("a", own) == "own"
        assert 0.1 <= time.monotonic() - began < 5
        slow.go_on.set()
        assert first.result(10) == "slow"
    assert (slow.count, own.count) == (1, 1)


def test_invalidated_value_is_computed_anew_everywhere(process: Callable[[], Caches]) -> None:
    here, there = (process().add(CachePolicy("names")) for _ in range(2))
    compute = Computation("old", "other", "new")
    for cache in (here, there):
        listening(cache)
    assert here.get("channel:7", compute) == there.get("channel:7", compute) == "old"
    assert here.get("contact:7", compute) == there.get("contact:7", compute) == "other"
    assert here.invalidate("channel:*")
    while there.stats().invalidations == 0:
        threading.Event().wait(0.001)
    while there.memory.find("channel:7"):
        threading.Event().wait(0.001)
    assert there.get("channel:7", compute) == here.get("channel:7", compute) == "new"
    assert there.get("contact:7", compute) == here.get("contact:7", compute) == "other"
    assert compute.count == 3
    assert (here.stats().invalidations, there.stats().invalidations) == (1, 1)


@pytest.mark.parametrize("shared_s", [0, 600])
def test_result_that_began_before_an_invalidation_is_not_served_after_it(
    process: Callable[[], Caches], shared_s: float
) -> None:
    here, there = (process().add(CachePolicy("names", shared_s=shared_s)) for _ in range(2))
    stale, fresh = Computation("stale"), Computation("fresh")
    stale.go_on.clear()
    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(here.get, "channel:7", stale)
        assert stale.begun.wait(5)
        assert here.invalidate("channel:*")
        stale.go_on.set()
        assert early.result(10) == "stale"  # whoever asked before may have it
    assert here.get("channel:7", fresh) == there.get("channel:7", fresh) == "fresh"
    assert (stale.count, fresh.count) == (1, 1 if shared_s else 2)


def test_who_asks_after_an_invalidation_does_not_join_a_computation_from_before(
    process: Callable[[], Caches],
) -> None:
    cache = process().add(CachePolicy("names", shared_s=0))
    listening(cache)
    stale, fresh = Computation("stale"), Computation("fresh")
    stale.go_on.clear()
    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(cache.get, "a", stale)
        assert stale.begun.wait(5)
        cache.invalidate("a")
        assert cache.get("a", fresh) == "fresh"
        stale.go_on.set()
        assert early.result(10) == "stale"
    assert cache.get("a", fresh) == "fresh"
    assert fresh.count == 1


def test_payload_that_cannot_be_read_is_computed_anew(process: Callable[[], Caches]) -> None:
    def refuse(_payload: bytes) -> Any:
        raise ValueError("of another version")

    here = process().add(CachePolicy("names"))
    there = process().add(CachePolicy("names"), encode=lambda _value: b'"new"', decode=lambda _bytes: "new")
    broken = process().add(CachePolicy("names"), decode=refuse)
    assert here.get("a", lambda: "old") == "old"
    with pytest.raises(ValueError, match="of another version"):  # its own payload it cannot read either
        broken.get("a", lambda: "new")
    assert counts(broken) == {"computes": 1, "errors": 1}
    assert there.get("a", lambda: "never") == "new"


def test_least_recently_used_values_go_first_from_memory(process: Callable[[], Caches]) -> None:
    cache = process().add(CachePolicy("names", entries=10))
    listening(cache)
    for number in range(25):
        assert cache.get(f"{number}", lambda number=number: number) == number  # type: ignore[misc]
    assert cache.stats().entries == 10
    assert cache.get("20", lambda: -1) == 20
    assert cache.stats().hits_local == 1
    assert cache.get("2", lambda: -1) == 2
    assert cache.stats().hits_shared == 1


def test_stats_name_every_cache_of_the_process(process: Callable[[], Caches]) -> None:
    caches = process()
    first, second = caches.add(CachePolicy("first")), caches.add(CachePolicy("second"))
    first.get("a", lambda: 1)
    assert {name: stats.misses for name, stats in caches.stats().items()} == {"first": 1, "second": 0}
    listening(second)
    age_s = second.stats().listening_s
    assert age_s is not None
    assert 0 <= age_s < 10
    with pytest.raises(ValueError, match="first"):
        caches.add(CachePolicy("first"))


# Valkey alone


def test_local_hit_costs_no_round_trip_and_memory_only_none_at_all(client: "redis.Redis") -> None:
    caches = Caches(RedisStore(client), LinkPolicy(look_every_s=30, retry_s=0.01))
    shared, own = caches.add(CachePolicy("shared")), caches.add(CachePolicy("own", shared_s=0))
    listening(shared)
    client.config_resetstat()
    for _ in range(100):
        assert shared.get("a", lambda: 1) == own.get("a", lambda: 1) == 1
    used = client.info("commandstats")
    assert used["cmdstat_evalsha"]["calls"] == 2  # one look, one put
    assert used["cmdstat_config|resetstat"]["calls"] == 1
    assert shared.stats().hits_local == own.stats().hits_local == 99
    client.client_kill_filter(_type="pubsub")  # wakes the listener
    caches.close()


def test_listener_survives_what_it_does_not_understand(
    client: "redis.Redis", caplog: pytest.LogCaptureFixture
) -> None:
    caches = Caches(RedisStore(client), LINK)
    cache = caches.add(CachePolicy("names"))
    others = set(threading.enumerate())  # the listener of what tests before have used hears nonsense too
    listening(cache)
    listeners = {each.ident for each in set(threading.enumerate()) - others if each.name == "cache-listener"}
    assert cache.get("a", lambda: "old") == "old"
    client.publish("cache:invalidated", b"nonsense")
    while cache.memory.find("a"):  # who knows what it meant
        threading.Event().wait(0.001)
    while cache.stats().listening_s is None:
        threading.Event().wait(0.001)
    RedisStore(client).invalidate("names", "c", "another process")
    while cache.stats().invalidations == 0:
        threading.Event().wait(0.001)
    assert [record.message for record in caplog.records if record.thread in listeners] == [
        "cache listener failed"
    ]
    caches.close()


def test_flush_costs_a_computation_and_not_the_listener(client: "redis.Redis") -> None:
    caches = Caches(RedisStore(client), LINK)
    cache = caches.add(CachePolicy("names", local_s=0))
    listening(cache)
    assert cache.get("a", lambda: "old") == "old"
    client.flushall()
    assert cache.get("a", lambda: "new") == "new"
    RedisStore(client).invalidate("names", "a", "another process")
    while cache.stats().invalidations == 0:
        threading.Event().wait(0.001)
    assert cache.get("a", lambda: "newer") == "newer"
    assert counts(cache)["computes"] == 4
    assert "errors" not in counts(cache)
    caches.close()
