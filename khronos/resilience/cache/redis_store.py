"""The second layer in Redis or Valkey: values that carry their generation, and a list of young invalidations.

A process keeps a copy of that list. Each look tells Redis what the process knows of it, and brings the rest.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import redis

from khronos.resilience.cache.ledger import Ledger
from khronos.resilience.cache.redis_scripts import INVALIDATE, LOOK, PUT, RELEASE
from khronos.resilience.cache.store import Invalidated, Look, StoreAway, Subscribed

SILENCE_S = 1.5  # a line that does not even answer a ping is dead
REMEMBERED = 1000  # invalidations of one cache; with more, values older than the list count as stale


@contextmanager
def mapped() -> Iterator[None]:
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise StoreAway(str(error) or type(error).__name__) from error


class RedisSubscription:
    def __init__(
        self, client: "redis.Redis", channel: str, silence_s: float, clock: Callable[[], float]
    ) -> None:
        self._silence_s, self._clock = silence_s, clock
        self._heard_at, self._has_asked = clock(), False
        self._pubsub = client.pubsub()  # type: ignore[no-untyped-call]
        try:
            with mapped():
                self._pubsub.subscribe(channel)
        except StoreAway:
            self.close()
            raise

    def next(self, timeout_s: float) -> Subscribed | Invalidated | None:
        with mapped():
            message = self._pubsub.get_message(timeout=timeout_s)
            if message is None:
                self._ask_for_life()
                return None
        self._heard_at, self._has_asked = self._clock(), False
        if message["type"] == "subscribe":  # also when the client has connected anew by itself
            return Subscribed()
        return Invalidated(*orjson.loads(message["data"])) if message["type"] == "message" else None

    def _ask_for_life(self) -> None:
        """A machine that is gone closes no connection."""
        if not self._has_asked:
            self._has_asked = True
            self._pubsub.ping()
        elif self._clock() - self._heard_at > self._silence_s:
            raise StoreAway("the line is silent")

    def close(self) -> None:
        with mapped():
            self._pubsub.close()


class RedisStore:
    """The client should have short timeouts and no retries of its own, and must not decode responses."""

    def __init__(
        self,
        client: "redis.Redis",
        prefix: str = "cache",
        remembered: int = REMEMBERED,
        silence_s: float = SILENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._prefix, self._remembered = client, prefix, remembered
        self._silence_s, self._clock = silence_s, clock
        self._channel = f"{prefix}:invalidated"
        self._ledgers: defaultdict[str, Ledger] = defaultdict(Ledger)
        self._look, self._put = client.register_script(LOOK), client.register_script(PUT)
        self._release = client.register_script(RELEASE)
        self._invalidate = client.register_script(INVALIDATE)

    def look(self, cache: str, key: str, token: str, lease_s: float) -> Look:
        ledger = self._ledgers[cache]
        while True:
            acceptable = ledger.latest(key)
            look, began = self._look_once(cache, key, ledger, acceptable, token, lease_s)
            if began >= ledger.latest(key):  # else the value, or the lock, is from before an invalidation
                return look

    def _look_once(
        self, cache: str, key: str, ledger: Ledger, acceptable: int, token: str, lease_s: float
    ) -> tuple[Look, int]:
        keys = [self._generations(cache), self._log(cache), self._value(cache, key), self._lock(cache, key)]
        with mapped():
            reply: list[Any] = self._look(
                keys, [ledger.known, acceptable, token, max(1, int(lease_s * 1000))]
            )
        generation, floor, news, began, left_ms, payload, is_mine = reply
        pairs = zip(news[::2], news[1::2], strict=True)
        ledger.learn(generation, floor, [(pattern.decode(), int(float(age))) for pattern, age in pairs])
        return Look(payload, left_ms / 1000, generation, bool(is_mine)), began

    def put(
        self, cache: str, key: str, payload: bytes, *, generation: int, kept_s: float, token: str
    ) -> None:
        keys = [self._generations(cache), self._value(cache, key), self._lock(cache, key)]
        stamped = b"%016d:%b" % (generation, payload)
        with mapped():
            self._put(keys, [generation, stamped, max(1, int(kept_s * 1000)), token])

    def release(self, cache: str, key: str, token: str) -> None:
        with mapped():
            self._release([self._lock(cache, key)], [token])

    def invalidate(self, cache: str, pattern: str, origin: str) -> None:
        message = orjson.dumps([cache, pattern, origin])
        with mapped():
            self._invalidate(
                [self._generations(cache), self._log(cache)],
                [pattern, self._remembered, self._channel, message],
            )

    def listen(self) -> RedisSubscription:
        return RedisSubscription(self._client, self._channel, self._silence_s, self._clock)

    def _generations(self, cache: str) -> str:
        return f"{self._prefix}:{{{cache}}}:generations"

    def _log(self, cache: str) -> str:
        return f"{self._prefix}:{{{cache}}}:invalidations"

    def _value(self, cache: str, key: str) -> str:
        return f"{self._prefix}:{{{cache}}}:value:{key}"

    def _lock(self, cache: str, key: str) -> str:
        return f"{self._prefix}:{{{cache}}}:lock:{key}"
