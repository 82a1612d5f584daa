"""How long a cache keeps what, whom it waits for, and how a process keeps in touch with the shared store."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CachePolicy:
    name: str
    entries: int = 1000  # in process memory; the least recently used goes first
    local_s: float = 60.0  # in process memory
    shared_s: float = 600.0  # in the shared store; 0: process memory only
    nothing_s: float = 10.0  # a None, in both; 0: not at all
    unheard_s: float = 2.0  # in process memory while invalidations do not arrive
    patience_s: float = 5.0  # with a computation elsewhere; the lock of a dead process lasts as long

    def local_limit_s(self, is_heard: bool) -> float:
        return self.local_s if is_heard else min(self.local_s, self.unheard_s)

    def life_s(self, value: object) -> float:
        longest_s = self.shared_s or self.local_s
        return longest_s if value is not None else min(longest_s, self.nothing_s)


@dataclass(frozen=True)
class LinkPolicy:
    rest_s: float = 1.0  # a store that failed is left alone for so long
    retry_s: float = 0.5  # between two tries to listen
    look_every_s: float = 0.5  # for the end, and whether a silent line still lives
