"""What a cache asks of the store that processes share. A generation is the moment of an invalidation.

A value carries the generation in which its computation began; it is stale when an invalidation of its key is
younger than that. So nobody needs to find and delete keys, and a late result cannot undo an invalidation.
"""

from dataclasses import dataclass
from typing import Protocol


class StoreAway(Exception):
    """The store does not answer, or not as it should: compute."""


class StoreResting(StoreAway):
    """It failed a moment ago and was not asked."""


@dataclass(frozen=True, slots=True)
class Look:
    payload: bytes | None  # None: nothing there, or only something stale
    left_s: float  # of the payload's life
    generation: int  # a computation that begins now belongs to it
    is_mine: bool  # the lock on the key: who has it computes, the others wait for the result
    # A lock from before an invalidation of its key is none: its owner's result will be stale.


@dataclass(frozen=True, slots=True)
class Subscribed:
    """From now on every invalidation is heard; what came before may have been missed."""


@dataclass(frozen=True, slots=True)
class Invalidated:
    cache: str
    pattern: str
    origin: str  # who said so


class Subscription(Protocol):
    def next(self, timeout_s: float) -> Subscribed | Invalidated | None:
        """Raises StoreAway when the line is dead."""

    def close(self) -> None: ...


class SharedStore(Protocol):
    """Every method may raise StoreAway."""

    def look(self, cache: str, key: str, token: str, lease_s: float) -> Look: ...

    def put(
        self, cache: str, key: str, payload: bytes, *, generation: int, kept_s: float, token: str
    ) -> None:
        """And free the key, if the token still holds it."""

    def release(self, cache: str, key: str, token: str) -> None: ...

    def invalidate(self, cache: str, pattern: str, origin: str) -> None: ...

    def listen(self) -> Subscription: ...
