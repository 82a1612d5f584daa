"""The second and third layer of one cache: what the store has or is about to get, and computing."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from khronos.resilience.cache.guard import GuardedStore
from khronos.resilience.cache.policy import CachePolicy
from khronos.resilience.cache.store import Look, StoreAway, StoreResting
from khronos.resilience.cache.tally import Tally

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.005, 0.05  # between two looks for another process's result


@dataclass(frozen=True)
class Codec:
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]


class SharedLayer:
    def __init__(
        self,
        policy: CachePolicy,
        store: GuardedStore,
        codec: Codec,
        tally: Tally,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._policy, self._store, self._codec, self._tally = policy, store, codec, tally
        self._clock, self._sleep = clock, sleep

    def obtain(self, key: str, compute: Callable[[], Any]) -> tuple[Any, float]:
        """The value, and what is left of its life in seconds."""
        token = secrets.token_hex(8)
        look, has_waited = self._look(key, token)
        if look is not None and look.payload is not None:
            try:
                value = self._codec.decode(look.payload)
            except Exception:  # of another version, or damaged: made anew
                self._tally.count("errors")
            else:
                self._tally.count("waits" if has_waited else "hits_shared")
                return value, look.left_s
        return self._make(key, compute, look, token)

    def _look(self, key: str, token: str) -> tuple[Look | None, bool]:
        """What is there, None without a store; and whether it took a wait for another process."""
        with self._counting_errors():
            return self._look_patiently(key, token)
        return None, False

    def _look_patiently(self, key: str, token: str) -> tuple[Look, bool]:
        """Ends with a value, with the lock on the key, or out of patience."""
        policy = self._policy
        deadline = self._clock() + policy.patience_s
        pause_s = 0.0
        while True:
            look = self._store.look(policy.name, key, token, policy.patience_s)
            if look.payload is not None or look.is_mine or self._clock() >= deadline:
                return look, pause_s > 0
            pause_s = min(max(FIRST_PAUSE_S, pause_s * 1.5), LONGEST_PAUSE_S)
            self._sleep(pause_s)

    def _make(self, key: str, compute: Callable[[], Any], look: Look | None, token: str) -> tuple[Any, float]:
        """A value as every process will see it: encoded and decoded, also where it was computed."""
        self._tally.count("computes")
        try:
            value = compute()
            payload = self._codec.encode(value)
        except BaseException:
            if look is not None and look.is_mine:
                self._release(key, token)
            raise
        life_s = self._policy.life_s(value)
        if look is not None:
            self._put(key, payload, look, life_s, token)
        return self._codec.decode(payload), life_s

    def _put(self, key: str, payload: bytes, look: Look, life_s: float, token: str) -> None:
        if life_s <= 0:
            self._release(key, token)
            return
        with self._counting_errors():
            self._store.put(
                self._policy.name, key, payload, generation=look.generation, kept_s=life_s, token=token
            )

    def _release(self, key: str, token: str) -> None:
        with self._counting_errors():
            self._store.release(self._policy.name, key, token)

    @contextmanager
    def _counting_errors(self) -> Iterator[None]:
        """Without the store things only cost more."""
        try:
            yield
        except StoreResting:
            pass
        except StoreAway:
            self._tally.count("errors")
