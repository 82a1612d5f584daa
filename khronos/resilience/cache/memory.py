"""The first layer: values in process memory, and who computes which missing one.

The generation check of this layer: a computation is known as a flight, and an invalidation forgets the
flights of its keys as well. What a forgotten one brings home is not kept.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from khronos.resilience.cache.forks import renew_in_children
from khronos.resilience.cache.ledger import is_glob, matcher


class Flight:
    """One computation that others wait for."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._value: Any = None
        self._error: Exception | None = None
        self.is_given_up = False  # its thread was told to end: that is no answer for others

    def land(self, value: object) -> None:
        self._value = value
        self._over.set()

    def crash(self, error: BaseException) -> None:
        if isinstance(error, Exception):
            self._error = error
        else:
            self.is_given_up = True
        self._over.set()

    def wait(self, patience_s: float) -> bool:
        return self._over.wait(patience_s)

    def result(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._value


class Memory:
    def __init__(self, entries: int, limit_s: float, clock: Callable[[], float]) -> None:
        self._most = entries
        self._first_limit_s = limit_s
        self._clock = clock
        self._renew()
        renew_in_children(self._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._limit_s = self._first_limit_s
        self._entries: OrderedDict[str, tuple[Any, float]] = OrderedDict()  # value and end
        self._flights: dict[str, Flight] = {}
        self.hits = 0

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: str) -> tuple[Any, float] | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry[1] <= self._clock():
                return None
            self._entries.move_to_end(key)
            self.hits += 1
            return entry

    def join(self, key: str) -> tuple[Flight, bool]:
        """The flight for this key, and whether it is the caller's to fly."""
        with self._lock:
            if flight := self._flights.get(key):
                return flight, False
            flight = Flight()
            entry = self._entries.get(key)
            if entry is not None and entry[1] > self._clock():  # it landed a moment ago
                flight.land(entry[0])
                return flight, False
            self._flights[key] = flight
            return flight, True

    def keep(self, key: str, flight: Flight, value: object, kept_s: float) -> None:
        """What a flight brought home, unless it was forgotten on its way."""
        with self._lock:
            if self._flights.get(key) is not flight or kept_s <= 0:
                return
            self._entries[key] = value, self._clock() + min(kept_s, self._limit_s)
            self._entries.move_to_end(key)
            if len(self._entries) > self._most:
                self._entries.popitem(last=False)

    def leave(self, key: str, flight: Flight) -> None:
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]

    def forget(self, pattern: str) -> None:
        with self._lock:
            self._entries.pop(pattern, None)
            self._flights.pop(pattern, None)
            if is_glob(pattern):
                matches = matcher(pattern)
                for known in (self._entries, self._flights):
                    for key in [key for key in known if matches(key)]:
                        del known[key]

    def forget_all(self) -> None:
        with self._lock:
            self._entries.clear()
            self._flights.clear()

    def limit(self, limit_s: float) -> None:
        """Nothing is kept for longer, neither what is there nor what comes."""
        with self._lock:
            self._limit_s = limit_s
            end = self._clock() + limit_s
            for key, (value, ends) in self._entries.items():
                if ends > end:
                    self._entries[key] = value, end
