"""The event loop the fakes live in: other threads hop into it, and wait for what happens there."""

import asyncio
import functools
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Concatenate, Protocol

HOP_SECONDS = 30.0  # a hop takes microseconds; this only ends a wait for a loop that has died
LOOK_SECONDS = 0.005  # under load, look at most this often: each look costs the loop a hop


class Home:
    """One thread's event loop. All that the fakes know is touched from there alone: nothing needs a lock."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self._ident: int | None = None
        self._condition = threading.Condition()
        self._version = 0
        self._waiters = 0

    def enter(self) -> None:
        """Called by the loop's own thread once the loop runs."""
        self.loop = asyncio.get_running_loop()
        self._ident = threading.get_ident()

    def leave(self) -> None:
        """From now on calls run where they are made: the ledgers stay readable after the stop."""
        self.loop = None

    def run[R](self, act: Callable[[], R]) -> R:
        """Do this in the loop's thread and return what it returned."""
        if self.loop is None or threading.get_ident() == self._ident:
            return act()
        future: Future[R] = Future()
        self.loop.call_soon_threadsafe(_settle, future, act)
        return future.result(HOP_SECONDS)

    def run_to_end[R](self, errand: Coroutine[Any, Any, R]) -> R:
        """The same for what has to wait. Not to be called in the loop's own thread."""
        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(errand, self.loop).result(HOP_SECONDS)

    def changed(self) -> None:
        """Something a waiter may look for has happened."""
        if self._waiters:  # a waiter counts itself before it looks, so no change slips between
            with self._condition:
                self._version += 1
                self._condition.notify_all()

    def wait_until(self, predicate: Callable[[], object], timeout: float) -> bool:
        """Look again after every change, until the predicate holds (True) or the time is up (False)."""
        deadline = time.monotonic() + timeout
        self._count_waiter(1)
        try:
            while True:
                version = self._version
                if predicate():
                    return True
                if time.monotonic() >= deadline or not self._wait_for_change(version, deadline):
                    return bool(predicate())
                time.sleep(LOOK_SECONDS)
        finally:
            self._count_waiter(-1)

    def _wait_for_change(self, version: int, deadline: float) -> bool:
        with self._condition:
            return self._condition.wait_for(lambda: self._version != version, deadline - time.monotonic())

    def _count_waiter(self, by: int) -> None:
        with self._condition:
            self._waiters += by


def _settle[R](future: Future[R], act: Callable[[], R]) -> None:
    try:
        future.set_result(act())
    except BaseException as error:  # the caller's thread raises it
        future.set_exception(error)


class Resident(Protocol):
    """Whatever lives in a home."""

    @property
    def home(self) -> Home: ...


def at_home[S: Resident, **P, R](method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Make a method callable from any thread by running it in the loop's."""

    def hop(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.home.run(lambda: method(self, *args, **kwargs))

    functools.update_wrapper(hop, method)
    return hop
