"""The caches of a process: one shared store, one listener, any number of caches."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import orjson

from khronos.resilience.cache.guard import GuardedStore
from khronos.resilience.cache.listener import Listener
from khronos.resilience.cache.memory import Flight, Memory
from khronos.resilience.cache.policy import CachePolicy, LinkPolicy
from khronos.resilience.cache.shared import Codec, SharedLayer
from khronos.resilience.cache.store import Invalidated, SharedStore, StoreAway
from khronos.resilience.cache.tally import CacheStats, Tally


class Cache:
    """Made by `Caches.add`."""

    def __init__(
        self,
        policy: CachePolicy,
        memory: Memory,
        shared: SharedLayer | None,
        store: GuardedStore,
        listener: Listener,
        tally: Tally,
    ) -> None:
        self.policy, self.memory, self.tally = policy, memory, tally
        self._shared, self._store, self._listener = shared, store, listener

    def get[V](self, key: str, compute: Callable[[], V]) -> V:
        """A shared object, not to be changed. An error of `compute` is handed on, and not kept."""
        entry = self.memory.find(key)
        if entry is None:
            return cast(V, self._join(key, compute))
        self.tally.tell("hits_local")
        return cast(V, entry[0])

    def invalidate(self, pattern: str) -> bool:
        """A key, or a pattern like `channel:*`. False: others will hear of it when the store is back."""
        self.tally.count("invalidations")
        try:  # the store first: what was read there before is then forgotten here
            self._store.invalidate(self.policy.name, pattern)
        except StoreAway:
            self.tally.count("errors")
            return False
        finally:
            self.memory.forget(pattern)
        return True

    def stats(self) -> CacheStats:
        return self.tally.stats(len(self.memory), self.memory.hits, self._listener.connected_s())

    def _join(self, key: str, compute: Callable[[], Any]) -> Any:
        self._listener.start()
        while True:
            flight, is_mine = self.memory.join(key)
            if is_mine:
                return self._fly(key, flight, compute)
            # Twice: whoever computes may have waited for another process first.
            if not flight.wait(2 * self.policy.patience_s):
                self.memory.leave(key, flight)
                self.tally.count("computes")
                return compute()
            if not flight.is_given_up:
                self.tally.count("waits")
                return flight.result()

    def _fly(self, key: str, flight: Flight, compute: Callable[[], Any]) -> Any:
        try:
            value, left_s = self._obtain(key, compute)
        except BaseException as error:
            self.memory.leave(key, flight)
            flight.crash(error)
            raise
        self.memory.keep(key, flight, value, min(left_s, self.policy.local_s))
        self.memory.leave(key, flight)
        flight.land(value)
        return value

    def _obtain(self, key: str, compute: Callable[[], Any]) -> tuple[Any, float]:
        if self._shared is not None:
            return self._shared.obtain(key, compute)
        self.tally.count("computes")
        value = compute()
        return value, self.policy.life_s(value)


def tell_nobody(_cache: str, _what: str) -> None:
    """Who wants to know gives another."""


class Caches:
    def __init__(
        self,
        store: SharedStore,
        link: LinkPolicy | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        tell: Callable[[str, str], None] = tell_nobody,
    ) -> None:
        link = link or LinkPolicy()
        self._tell = tell
        self._clock, self._sleep = clock, sleep
        self._caches: dict[str, Cache] = {}
        self._store = GuardedStore(store, link.rest_s, clock)
        self._listener = Listener(self._store, self, link, clock)

    def add(
        self,
        policy: CachePolicy,
        encode: Callable[[Any], bytes] = orjson.dumps,
        decode: Callable[[bytes], Any] = orjson.loads,
    ) -> Cache:
        if policy.name in self._caches:
            raise ValueError(f"there is a cache {policy.name!r} already")
        tally = Tally(partial(self._tell, policy.name))
        memory = Memory(policy.entries, policy.local_limit_s(is_heard=False), self._clock)
        shared = None
        if policy.shared_s:
            codec = Codec(encode, decode)
            shared = SharedLayer(policy, self._store, codec, tally, self._clock, self._sleep)
        cache = Cache(policy, memory, shared, self._store, self._listener, tally)
        self._caches = {**self._caches, policy.name: cache}  # the listener may be walking through the old one
        if self._listener.connected_s() is not None:
            memory.limit(policy.local_limit_s(is_heard=True))
        return cache

    def stats(self) -> dict[str, CacheStats]:
        return {name: cache.stats() for name, cache in self._caches.items()}

    def close(self) -> None:
        """Not needed at the end of a process: the listener does not hold it up."""
        self._listener.close()

    # What the listener tells

    def connected(self) -> None:
        self._store.wake()
        for cache in self._caches.values():
            cache.memory.forget_all()
            cache.memory.limit(cache.policy.local_limit_s(is_heard=True))

    def disconnected(self) -> None:
        for cache in self._caches.values():
            cache.memory.limit(cache.policy.local_limit_s(is_heard=False))

    def invalidated(self, event: Invalidated) -> None:
        cache = self._caches.get(event.cache)
        if cache is not None and event.origin != self._store.origin:  # our own are done with
            cache.tally.count("invalidations")
            cache.memory.forget(event.pattern)

    def looked(self) -> None:
        self._store.pay_debts()
