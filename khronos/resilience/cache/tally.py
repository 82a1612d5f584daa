"""Counts of one cache. Each `get` is counted once: as a hit of either layer, as computing, or as waiting."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from khronos.resilience.cache.forks import renew_in_children

type Counted = Literal["hits_shared", "computes", "waits", "errors", "invalidations"]


@dataclass(frozen=True)
class CacheStats:
    entries: int
    hits_local: int
    hits_shared: int
    misses: int  # computes and waits
    computes: int
    waits: int  # served by another's computation: what single-flight has saved
    errors: int  # of the shared store, and payloads that could not be read
    invalidations: int  # made here or heard of
    listening_s: float | None  # the age of the listener's connection; None: it has none


class Tally:
    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self._counts: Counter[Counted] = Counter()
        self._renew()
        renew_in_children(self._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()

    def count(self, what: Counted) -> None:
        with self._lock:
            self._counts[what] += 1
        self.tell(what)

    def stats(self, entries: int, hits_local: int, listening_s: float | None) -> CacheStats:
        with self._lock:
            counts = self._counts.copy()
        return CacheStats(
            entries=entries,
            hits_local=hits_local,
            hits_shared=counts["hits_shared"],
            misses=counts["computes"] + counts["waits"],
            computes=counts["computes"],
            waits=counts["waits"],
            errors=counts["errors"],
            invalidations=counts["invalidations"],
            listening_s=listening_s,
        )
