"""The shared layer of a cache: what its twin in memory and a real Valkey promise alike."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
import redis

from khronos.resilience.cache import MemoryStore, RedisStore, StoreAway
from khronos.resilience.cache.store import Invalidated, Look, SharedStore, Subscribed

LEASE_S = 300.0


@dataclass
class Pair:
    """The store as two processes see it."""

    here: SharedStore
    there: SharedStore
    flush: Callable[[], object]


@pytest.fixture
def client(valkey: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(valkey, socket_timeout=5, retry=None, protocol=2) as client:
        client.flushall()
        yield client


@pytest.fixture(params=["twin", "valkey"])
def pair(request: pytest.FixtureRequest) -> Pair:
    if request.param == "twin":
        twin = MemoryStore()
        return Pair(twin, twin, twin.flush)
    client = request.getfixturevalue("client")
    return Pair(RedisStore(client), RedisStore(client), client.flushall)


def look(store: SharedStore, key: str, token: str = "x", *, cache: str = "names") -> Look:
    return store.look(cache, key, token, LEASE_S)


def put(
    store: SharedStore, key: str, payload: bytes, seen: Look, *, token: str = "x", kept_s: float = 60.0
) -> None:
    store.put("names", key, payload, generation=seen.generation, kept_s=kept_s, token=token)


def made(store: SharedStore, key: str, payload: bytes = b"value") -> None:
    seen = look(store, key, "maker")
    assert seen.is_mine
    put(store, key, payload, seen, token="maker")


def eventually(is_so: Callable[[], bool], within_s: float = 5.0) -> bool:
    end = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def test_first_to_miss_a_key_has_the_lock_on_it_and_keeps_it(pair: Pair) -> None:
    assert look(pair.here, "a", "first").is_mine
    assert not look(pair.there, "a", "second").is_mine
    assert look(pair.here, "a", "first").is_mine
    assert look(pair.there, "b", "second").is_mine


def test_value_is_found_by_others_(pair: Pair) -> None:
    put(pair.here, "a", b"value", look(pair.here, "a"), kept_s=60.0)
    found = look(pair.there, "a", "second")
    assert (found.payload, found.is_mine) == (b"value", False)
    assert 50 < found.left_s <= 60


def test_key_is_free_again_when_its_value_has_ended(pair: Pair) -> None:
    put(pair.here, "a", b"value", look(pair.here, "a"), kept_s=0.05)
    assert eventually(lambda: look(pair.there, "a", "second").is_mine)


def test_lock_is_released_by_its_owner_only(pair: Pair) -> None:
    assert look(pair.here, "a", "first").is_mine
    pair.there.release("names", "a", "second")
    assert not look(pair.there, "a", "second").is_mine
    pair.here.release("names", "a", "first")
    assert look(pair.there, "a", "second").is_mine


def test_put_of_someone_out_of_patience_leaves_the_lock_to_its_owner(pair: Pair) -> None:
    assert look(pair.here, "a", "owner").is_mine
    impatient = look(pair.there, "a", "other")
    put(pair.there, "a", b"value", impatient, token="other", kept_s=0.05)
    assert eventually(lambda: look(pair.there, "a", "third").payload is None)
    assert not look(pair.there, "a", "third").is_mine


def test_lock_of_a_dead_owner_ends_by_itself(pair: Pair) -> None:
    assert pair.here.look("names", "a", "dead", 0.05).is_mine
    assert eventually(lambda: look(pair.there, "a", "heir").is_mine)


def test_value_ends_by_itself(pair: Pair) -> None:
    put(pair.here, "a", b"value", look(pair.here, "a"), kept_s=0.05)
    assert eventually(lambda: look(pair.there, "a").payload is None)


@pytest.mark.parametrize("payload", [b"", b":", b"\x00\xff\r\n", b"null", b"x" * 100_000])
def test_payload_may_be_any_bytes(pair: Pair, payload: bytes) -> None:
    made(pair.here, "a", payload)
    assert look(pair.there, "a").payload == payload


@pytest.mark.parametrize("key", ["", " ", "olá 🕰", "a{b}c", "a\nb\x00", "channel:[1]"])
def test_key_may_be_any_text(pair: Pair, key: str) -> None:
    made(pair.here, key)
    assert look(pair.there, key).payload == b"value"
    pair.here.invalidate("names", key, "")
    assert look(pair.there, key).payload is None


def test_pattern_invalidates_what_it_matches_for_everyone_and_nothing_else(pair: Pair) -> None:
    for key in ("channel:1", "channel:2", "contact:1"):
        made(pair.here, key)
        assert look(pair.there, key).payload == b"value"
    pair.there.invalidate("names", "channel:*", "")
    for store in (pair.here, pair.there):
        assert look(store, "channel:1").payload is None
        assert look(store, "channel:2").payload is None
        assert look(store, "contact:1").payload == b"value"


def test_star_invalidates_all_of_its_cache_and_nothing_of_others(pair: Pair) -> None:
    made(pair.here, "a")
    seen = look(pair.here, "a", cache="others")
    pair.here.put("others", "a", b"other", generation=seen.generation, kept_s=60.0, token="x")
    pair.here.invalidate("names", "*", "")
    assert look(pair.there, "a").payload is None
    assert look(pair.there, "a", cache="others").payload == b"other"


def test_result_of_a_computation_that_began_before_an_invalidation_is_not_served(pair: Pair) -> None:
    early = look(pair.here, "channel:1")
    pair.there.invalidate("names", "channel:*", "")
    put(pair.here, "channel:1", b"stale", early)
    for store in (pair.here, pair.there):
        assert look(store, "channel:1", "y").payload is None


def test_who_asks_after_an_invalidation_does_not_wait_for_a_computation_from_before(pair: Pair) -> None:
    early = look(pair.here, "channel:1", "early")
    assert not look(pair.there, "channel:1", "waiting").is_mine
    pair.there.invalidate("names", "channel:*", "")
    assert look(pair.there, "channel:1", "late").is_mine
    assert not look(pair.here, "channel:1", "early").is_mine
    put(pair.here, "channel:1", b"stale", early, token="early")
    third = look(pair.here, "channel:1", "third")
    assert (third.payload, third.is_mine) == (None, False)  # the lock is still the late one's


def test_late_result_does_not_displace_a_younger_one(pair: Pair) -> None:
    early = look(pair.here, "a", "early")
    pair.there.invalidate("names", "a", "")
    put(pair.there, "a", b"fresh", look(pair.there, "a", "late"), token="late")
    put(pair.here, "a", b"stale", early, token="early")
    assert look(pair.here, "a").payload == b"fresh"
    assert look(pair.there, "a").payload == b"fresh"


def test_invalidation_of_another_key_does_not_spoil_a_computation(pair: Pair) -> None:
    early = look(pair.here, "a")
    pair.there.invalidate("names", "b", "")
    put(pair.here, "a", b"value", early)
    assert look(pair.there, "a").payload == b"value"


def test_computation_that_began_before_a_flush_is_not_served(pair: Pair) -> None:
    """The invalidations in between went with the flush."""
    early = look(pair.here, "a")
    pair.there.invalidate("names", "a", "")
    pair.flush()
    put(pair.here, "a", b"stale", early)
    assert look(pair.there, "a", "y").payload is None
    pair.there.release("names", "a", "y")
    made(pair.here, "a", b"fresh")
    assert look(pair.there, "a").payload == b"fresh"


def test_result_from_a_clock_that_was_ahead_is_not_kept(pair: Pair) -> None:
    seen = look(pair.here, "a", "early")
    pair.here.put("names", "a", b"odd", generation=seen.generation + 10**9, kept_s=60.0, token="early")
    assert look(pair.there, "a", "y").is_mine


def test_invalidation_is_the_first_word_after_a_flush(pair: Pair) -> None:
    early = look(pair.here, "a")
    pair.flush()
    pair.there.invalidate("names", "b", "")
    put(pair.here, "a", b"stale", early)
    assert look(pair.there, "a", "y").payload is None


def test_listener_hears_every_invalidation_from_its_subscription_on(pair: Pair) -> None:
    pair.there.invalidate("names", "before", "me")
    with closing(pair.here.listen()) as subscription:
        assert subscription.next(5) == Subscribed()
        pair.there.invalidate("names", "channel:*", "me")
        pair.there.invalidate("others", "a", "you")
        assert subscription.next(5) == Invalidated("names", "channel:*", "me")
        assert subscription.next(5) == Invalidated("others", "a", "you")
        assert subscription.next(0.01) is None


# Valkey alone


def test_more_invalidations_than_are_remembered_cost_values_and_never_show_stale_ones(
    client: "redis.Redis",
) -> None:
    here, there = RedisStore(client, remembered=3), RedisStore(client, remembered=3)
    made(here, "old")
    for number in range(2):
        here.invalidate("names", f"x{number}", "")
    made(here, "young")
    for number in range(2, 5):
        here.invalidate("names", f"x{number}", "")
    assert client.zcard("cache:{names}:invalidations") == 3
    for store in (here, there):
        assert look(store, "old").payload is None
        assert look(store, "young").payload == b"value"


def test_same_pattern_again_is_remembered_once(client: "redis.Redis") -> None:
    store = RedisStore(client)
    for _ in range(10):
        store.invalidate("names", "channel:*", "")
    assert client.zcard("cache:{names}:invalidations") == 1


def test_valkey_that_has_forgotten_the_last_invalidations_shows_no_stale_value(client: "redis.Redis") -> None:
    """As after a failover to a replica that was behind."""
    here, there = RedisStore(client), RedisStore(client)
    made(here, "a")
    state = {key: client.dump(key) for key in client.scan_iter()}
    there.invalidate("names", "a", "")
    assert look(there, "a", "y").payload is None
    client.flushall()
    for key, dump in state.items():
        client.restore(key, 0, dump or b"")
    assert look(there, "a", "y").payload is None
    assert look(here, "a", "z").payload is None


def test_generations_go_on_when_valkey_is_flushed_and_its_clock_set_back(client: "redis.Redis") -> None:
    store = RedisStore(client)
    ahead = look(store, "a").generation + 3600 * 1_000_000
    client.hset("cache:{names}:generations", mapping={"newest": ahead, "floor": ahead})
    early = look(store, "a")
    assert early.generation == ahead
    client.flushall()
    assert look(store, "b").generation == ahead + 1
    put(store, "a", b"stale", early)
    assert look(store, "a", "y").payload is None


def test_all_keys_but_two_of_a_cache_end_by_themselves(client: "redis.Redis") -> None:
    store = RedisStore(client)
    made(store, "a")
    assert look(store, "b").is_mine
    store.invalidate("names", "c*", "")
    lasting = {key for key in client.scan_iter() if client.ttl(key) == -1}
    assert lasting == {b"cache:{names}:generations", b"cache:{names}:invalidations"}
    assert client.dbsize() == 4


def test_keys_are_never_listed(client: "redis.Redis") -> None:
    store = RedisStore(client)
    client.config_resetstat()
    made(store, "a")
    store.invalidate("names", "*", "")
    store.invalidate("names", "a*", "")
    assert look(store, "a").payload is None
    used = {name.removeprefix("cmdstat_") for name in client.info("commandstats")}
    assert used >= {"evalsha", "get", "zadd", "publish"}
    assert used.isdisjoint({"keys", "scan", "hgetall", "zrange"})


def test_silent_line_is_a_dead_line(client: "redis.Redis") -> None:
    times = iter([0.0, 0.0, 0.0, 2.0])
    with closing(RedisStore(client, silence_s=1.5, clock=lambda: next(times)).listen()) as subscription:
        assert subscription.next(5) == Subscribed()
        client.client_pause(1_000)
        assert subscription.next(0.01) is None  # asks for a sign of life
        assert subscription.next(0.01) is None
        with pytest.raises(StoreAway, match="silent"):
            subscription.next(0.01)
    client.client_unpause()


def test_line_that_answers_a_ping_lives_however_little_is_said(client: "redis.Redis") -> None:
    with closing(RedisStore(client, silence_s=0.0).listen()) as subscription:
        assert subscription.next(5) == Subscribed()
        for _ in range(4):
            assert subscription.next(0.0) is None  # asks
            assert subscription.next(5) is None  # is answered


def test_refused_connection_is_a_store_away() -> None:
    store = RedisStore(redis.Redis.from_url("redis://127.0.0.1:1", retry=None))
    with pytest.raises(StoreAway):
        look(store, "a")
    with pytest.raises(StoreAway):
        put(store, "a", b"", Look(None, 0.0, 1, True))
    with pytest.raises(StoreAway):
        store.release("names", "a", "x")
    with pytest.raises(StoreAway):
        store.invalidate("names", "a", "")
    with pytest.raises(StoreAway):
        store.listen()
