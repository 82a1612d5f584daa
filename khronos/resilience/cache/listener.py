"""One thread of a process that hears every invalidation, and says when it may have missed some."""

import logging
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Protocol

from khronos.resilience.cache.forks import renew_in_children
from khronos.resilience.cache.guard import GuardedStore
from khronos.resilience.cache.policy import LinkPolicy
from khronos.resilience.cache.store import Invalidated, StoreAway, Subscribed, Subscription

log = logging.getLogger(__name__)


class Audience(Protocol):
    def connected(self) -> None:
        """From now on all is heard; before, something may have been missed."""

    def disconnected(self) -> None: ...

    def invalidated(self, event: Invalidated) -> None: ...

    def looked(self) -> None:
        """The line lives."""


class Listener:
    def __init__(
        self, store: GuardedStore, audience: Audience, policy: LinkPolicy, clock: Callable[[], float]
    ) -> None:
        self._store, self._audience, self._policy, self._clock = store, audience, policy, clock
        self._renew()
        renew_in_children(self._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._since: float | None = None

    def start(self) -> None:
        """Again and again: a process that never asks has no thread."""
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._run, name="cache-listener", daemon=True)
                self._thread.start()

    def close(self) -> None:
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def connected_s(self) -> float | None:
        since = self._since
        return None if since is None else self._clock() - since

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                with closing(self._store.listen()) as subscription:
                    self._hear(subscription)
            except StoreAway as error:
                if self._since is not None:
                    log.warning("cache invalidations are not heard: %s", error)
            except Exception:
                log.exception("cache listener failed")
            self._since = None
            self._audience.disconnected()
            self._closed.wait(self._policy.retry_s)

    def _hear(self, subscription: Subscription) -> None:
        while not self._closed.is_set():
            event = subscription.next(self._policy.look_every_s)
            if isinstance(event, Subscribed):
                self._audience.connected()
                self._since = self._clock()
            elif isinstance(event, Invalidated):
                self._audience.invalidated(event)
            with suppress(StoreAway):
                self._audience.looked()
