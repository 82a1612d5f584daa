"""A sliding window: at most so many in any stretch of so many seconds."""

from collections import deque


class Window:
    """The caller brings the time, and decides what a breach means."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most = most
        self._seconds = seconds
        self._times: deque[float] = deque()

    def wait(self, now: float) -> float:
        """How long until one more fits; 0 when it fits now."""
        self._forget(now)
        if len(self._times) < self.most:
            return 0.0
        return self._times[len(self._times) - self.most] + self._seconds - now

    def add(self, now: float) -> None:
        self._times.append(now)

    def left(self, now: float) -> int:
        self._forget(now)
        return max(0, self.most - len(self._times))

    def _forget(self, now: float) -> None:
        while self._times and self._times[0] <= now - self._seconds:
            self._times.popleft()
