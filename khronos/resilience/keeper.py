"""A keeper calls something again and again for as long as a `with` block lasts: leases, typing signs.

Or once, after a while. One thread a keeper, however much it keeps; a call that fails is logged.
"""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

STOP_S = 2.0  # for the call that is under way


def nothing() -> None:
    """What is over keeps nothing alive until its moment comes."""


@dataclass(order=True, slots=True)
class Duty:
    at: float
    number: int
    every_s: float = field(compare=False)  # 0: once
    call: Callable[[], object] = field(compare=False)
    over: bool = field(compare=False, default=False)


class Keeper:
    def __init__(self, name: str) -> None:
        self._name = name
        self._duties: list[Duty] = []
        self._numbers = itertools.count()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def keeping(
        self, call: Callable[[], None], *, every_s: float, first_s: float | None = None
    ) -> Iterator[None]:
        duty = self._begin(call, every_s if first_s is None else first_s, every_s)
        try:
            yield
        finally:
            duty.over, duty.call = True, nothing

    def once(self, call: Callable[[], object], *, after_s: float) -> None:
        self._begin(call, after_s, 0.0)

    def stop(self) -> int:
        """Nothing more is called, of how many that waited. Whoever begins something later starts it anew."""
        with self._wake:
            thread, self._thread = self._thread, None
            left = sum(not duty.over for duty in self._duties)
            self._duties.clear()
            self._wake.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join(STOP_S)
        return left

    def _begin(self, call: Callable[[], object], after_s: float, every_s: float) -> Duty:
        duty = Duty(time.monotonic() + after_s, next(self._numbers), every_s, call)
        with self._wake:
            heapq.heappush(self._duties, duty)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            if self._duties[0] is duty:
                self._wake.notify()
        return duty

    def _run(self) -> None:
        while duty := self._next():
            try:
                duty.call()
            except Exception:
                log.warning("%s: call failed", self._name, exc_info=True)
            if duty.every_s:
                duty.at = time.monotonic() + duty.every_s
                with self._wake:
                    if self._thread is threading.current_thread():
                        heapq.heappush(self._duties, duty)

    def _next(self) -> Duty | None:
        with self._wake:
            while self._thread is threading.current_thread():
                while self._duties and self._duties[0].over:
                    heapq.heappop(self._duties)
                if not self._duties:
                    self._wake.wait()
                    continue
                wait = self._duties[0].at - time.monotonic()
                if wait <= 0:
                    return heapq.heappop(self._duties)
                self._wake.wait(wait)
            return None
