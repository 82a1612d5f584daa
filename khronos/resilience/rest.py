"""A store that failed is left alone for a while: its timeout is paid once a second, not at every call."""

import threading
import time
from collections.abc import Callable

REST_S = 1.0


class Away(Exception):
    """The store does not answer, or did not a moment ago."""


class Rest:
    """Of one store, for all threads of a process: they find out together that it is away."""

    def __init__(self, rest_s: float = REST_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._rest_s, self._clock = rest_s, clock
        self._lock = threading.Lock()
        self._is_on = False
        self._until = 0.0

    @property
    def is_on(self) -> bool:
        return self._is_on

    def ask[R](self, question: Callable[[], R]) -> R:
        if not self.admits():
            raise Away("it failed a moment ago")
        try:
            answer = question()
        except Exception as error:
            self.begin()
            raise Away(f"{type(error).__name__}: {error}") from error
        self.end()
        return answer

    def admits(self) -> bool:
        """One tries whether it is back; who comes meanwhile does not wait for the outcome."""
        if not self._is_on:
            return True
        with self._lock:
            now = self._clock()
            if now < self._until:
                return False
            self._until = now + self._rest_s
            return True

    def begin(self) -> bool:
        """Whether that is news."""
        with self._lock:
            self._until = self._clock() + self._rest_s
            was_on, self._is_on = self._is_on, True
        return not was_on

    def end(self) -> bool:
        """Whether that is news."""
        if not self._is_on:
            return False
        with self._lock:
            was_on, self._is_on = self._is_on, False
        return was_on

    def cut_short(self) -> None:
        """The next one tries at once."""
        with self._lock:
            self._until = 0.0
