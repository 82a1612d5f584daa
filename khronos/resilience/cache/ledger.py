"""Which keys were invalidated when: the patterns of a cache, each with its youngest generation."""

import re
import threading
from collections.abc import Callable, Iterable
from fnmatch import translate

from khronos.resilience.cache.forks import renew_in_children

type Matcher = Callable[[str], object]

GLOB_SIGNS = frozenset("*?[")


def is_glob(pattern: str) -> bool:
    return not GLOB_SIGNS.isdisjoint(pattern)


def matcher(pattern: str) -> Matcher:
    """As for file names: `*`, `?`, `[ab]`."""
    return re.compile(translate(pattern)).match


class Ledger:
    def __init__(self) -> None:
        self._renew()
        renew_in_children(self._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self.known = 0  # every invalidation up to this generation is in here
        self._floor = 0  # whatever is older counts as invalidated
        self._exact: dict[str, int] = {}
        self._globs: dict[str, tuple[Matcher, int]] = {}

    def latest(self, key: str) -> int:
        """The generation of the youngest invalidation of this key that is known, or 0."""
        found = max(self._exact.get(key, 0), self._floor)
        for matches, generation in self._globs.values():
            if generation > found and matches(key):
                found = generation
        return found

    def learn(self, upto: int, floor: int, news: Iterable[tuple[str, int]]) -> None:
        """Answers come in any order: each tells all from what was known when it was asked to `upto`."""
        with self._lock:
            for pattern, generation in news:
                self._enter(pattern, generation)
            if floor > self._floor:
                self._floor = floor
                self._exact = {key: age for key, age in self._exact.items() if age > floor}
                self._globs = {key: entry for key, entry in self._globs.items() if entry[1] > floor}
            self.known = max(self.known, upto)

    def _enter(self, pattern: str, generation: int) -> None:
        if generation <= self._exact.get(pattern, 0):
            return
        if is_glob(pattern):  # a new dictionary: others may be walking through the old one
            self._globs = {**self._globs, pattern: (matcher(pattern), generation)}
        self._exact[pattern] = generation  # a key may look like a pattern
