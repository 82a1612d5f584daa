"""The in-memory twin of RedisStore: the same promises, within one process."""

import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable

from khronos.resilience.cache.ledger import Ledger
from khronos.resilience.cache.store import Invalidated, Look, StoreAway, Subscribed

type Event = Subscribed | Invalidated
type Name = tuple[str, str]  # cache and key


class MemorySubscription:
    def __init__(self, leave: Callable[["MemorySubscription"], None]) -> None:
        self.events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()  # None: the line is cut
        self._leave = leave
        self.events.put(Subscribed())

    def next(self, timeout_s: float) -> Event | None:
        try:
            event = self.events.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if event is None:
            raise StoreAway("the line is cut")
        return event

    def close(self) -> None:
        self._leave(self)


class MemoryStore:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._generation = 1
        self._subscriptions: set[MemorySubscription] = set()
        self.flush()

    def flush(self) -> None:
        """What FLUSHALL does."""
        with self._lock:
            self._values: dict[Name, tuple[bytes, int, float]] = {}  # payload, generation, end
            self._locks: dict[Name, tuple[str, int, float]] = {}  # token, generation, end
            self._ledgers: defaultdict[str, Ledger] = defaultdict(Ledger)
            self._generation += 1
            self._floor = self._generation

    def cut(self) -> None:
        """What a restart does to those who listen."""
        with self._lock:
            for subscription in self._subscriptions:
                subscription.events.put(None)

    def look(self, cache: str, key: str, token: str, lease_s: float) -> Look:
        with self._lock:
            now, name = self._clock(), (cache, key)
            oldest = max(self._floor, self._ledgers[cache].latest(key))
            payload, began, ends = self._values.get(name, (b"", 0, 0.0))
            if ends > now and began >= oldest:
                return Look(payload, ends - now, self._generation, is_mine=False)
            holder, began, until = self._locks.get(name, ("", 0, 0.0))
            if until > now and began >= oldest and holder != token:
                return Look(None, 0.0, self._generation, is_mine=False)
            self._locks[name] = token, self._generation, now + lease_s
            return Look(None, 0.0, self._generation, is_mine=True)

    def put(
        self, cache: str, key: str, payload: bytes, *, generation: int, kept_s: float, token: str
    ) -> None:
        with self._lock:
            _payload, there, ends = self._values.get((cache, key), (b"", 0, 0.0))
            is_newest = there <= generation or ends <= self._clock()
            if generation <= self._generation and is_newest:
                self._values[cache, key] = payload, generation, self._clock() + kept_s
            self.release(cache, key, token)

    def release(self, cache: str, key: str, token: str) -> None:
        with self._lock:
            if self._locks.get((cache, key), ("", 0, 0.0))[0] == token:
                del self._locks[cache, key]

    def invalidate(self, cache: str, pattern: str, origin: str) -> None:
        with self._lock:
            self._generation += 1
            self._ledgers[cache].learn(self._generation, 0, [(pattern, self._generation)])
            for subscription in self._subscriptions:
                subscription.events.put(Invalidated(cache, pattern, origin))

    def listen(self) -> MemorySubscription:
        with self._lock:
            subscription = MemorySubscription(self._unsubscribe)
            self._subscriptions.add(subscription)
            return subscription

    def _unsubscribe(self, subscription: MemorySubscription) -> None:
        with self._lock:
            self._subscriptions.discard(subscription)
