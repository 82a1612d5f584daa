"""A store that failed is left alone for a while: its timeout is paid once a second, not at every call."""

import threading
import time
from collections.abc import Callable

REST_S = 1.0


class Away(Exception):
    """The store does not answer, or did not a moment ago."""


class Rest:
    def __init__(self, rest_s: float = REST_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._rest_s, self._clock = rest_s, clock
        self._lock = threading.Lock()
        self._failed = False
        self._ask_again_at = 0.0

    def ask[R](self, question: Callable[[], R]) -> R:
        if self._failed:
            self._take_turn()
        try:
            answer = question()
        except Exception as error:
            self._ask_again_at = self._clock() + self._rest_s
            self._failed = True
            raise Away(f"{type(error).__name__}: {error}") from error
        self._failed = False
        return answer

    def _take_turn(self) -> None:
        """One tries whether it is back; who comes meanwhile does not wait for the outcome."""
        with self._lock:
            now = self._clock()
            if now < self._ask_again_at:
                raise Away("it failed a moment ago")
            self._ask_again_at = now + self._rest_s
