"""Leaves a failing store alone for a while, and owes it what it could not take: invalidations, freed locks.

A store that hangs costs one timeout a rest: after the rest one caller tries, the others go on without it.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from khronos.resilience.cache.forks import renew_in_children
from khronos.resilience.cache.store import Look, SharedStore, StoreAway, StoreResting, Subscription
from khronos.resilience.rest import Rest

log = logging.getLogger(__name__)

MOST_DEBTS = 1000  # then everything is invalidated instead
EVERYTHING = "*"


@dataclass(frozen=True)
class Debt:
    cache: str
    pattern: str = ""
    key: str = ""
    token: str = ""  # of a lock on the key; without one it is an invalidation


class GuardedStore:
    def __init__(self, store: SharedStore, rest_s: float, clock: Callable[[], float]) -> None:
        self._store, self._rest_s, self._clock = store, rest_s, clock
        self._debts: dict[Debt, object] = {}
        self._renew()
        renew_in_children(self._renew)

    def _renew(self) -> None:
        self._lock, self._paying = threading.Lock(), threading.Lock()
        self._rest = Rest(self._rest_s, self._clock)
        self.origin = secrets.token_hex(8)  # of the invalidations of this process

    def look(self, cache: str, key: str, token: str, lease_s: float) -> Look:
        with self._care():
            self._pay()  # what this process has invalidated must not come back to it
            with self._owing(Debt(cache, key=key, token=token)):  # it may have arrived, unlike its answer
                return self._store.look(cache, key, token, lease_s)

    def put(
        self, cache: str, key: str, payload: bytes, *, generation: int, kept_s: float, token: str
    ) -> None:
        with self._owing(Debt(cache, key=key, token=token)), self._care():
            self._store.put(cache, key, payload, generation=generation, kept_s=kept_s, token=token)

    def release(self, cache: str, key: str, token: str) -> None:
        with self._owing(Debt(cache, key=key, token=token)), self._care():
            self._store.release(cache, key, token)

    def invalidate(self, cache: str, pattern: str) -> None:
        """StoreAway means: later, but before anything is read again."""
        with self._owing(Debt(cache, pattern)), self._care():
            self._store.invalidate(cache, pattern, self.origin)

    def listen(self) -> Subscription:
        return self._store.listen()

    def pay_debts(self) -> None:
        if self._debts:
            with self._care():
                self._pay()

    def wake(self) -> None:
        """It answers again, as somebody has seen."""
        self._rest.cut_short()

    @contextmanager
    def _care(self) -> Iterator[None]:
        if not self._rest.admits():
            raise StoreResting
        try:
            yield
        except StoreResting:
            raise
        except StoreAway as error:
            if self._rest.begin():
                log.warning("cache store is away: %s", error)
            raise
        if self._rest.end():
            log.info("cache store is back")

    @contextmanager
    def _owing(self, debt: Debt) -> Iterator[None]:
        try:
            yield
        except StoreAway:
            with self._lock:
                self._debts[debt] = object()
                if len(self._debts) > MOST_DEBTS:
                    caches = {owed.cache for owed in self._debts if not owed.token}  # locks end by themselves
                    self._debts = {Debt(cache, EVERYTHING): object() for cache in caches}
            raise

    def _pay(self) -> None:
        if not self._debts:
            return
        if not self._paying.acquire(blocking=False):
            raise StoreResting  # somebody else is at it: do not queue up behind what may be a timeout
        try:
            for debt, note in list(self._debts.items()):
                if debt.token:
                    self._store.release(debt.cache, debt.key, debt.token)
                else:
                    self._store.invalidate(debt.cache, debt.pattern, self.origin)
                self._settle(debt, note)
        finally:
            self._paying.release()

    def _settle(self, debt: Debt, note: object) -> None:
        with self._lock:
            if self._debts.get(debt) is note:  # else it was owed again meanwhile
                del self._debts[debt]
