"""The provider's own rate limit, and the headers that tell of it."""

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench.simulator.models.prompt import Provider
from bench.simulator.window import Window


@dataclass(slots=True)
class Load:
    """Requests in flight, and the most there ever were."""

    now: int = 0
    most: int = 0

    def enter(self) -> int:
        self.now += 1
        self.most = max(self.most, self.now)
        return self.now

    def leave(self) -> None:
        self.now -= 1


class Quota:
    """Requests a minute and at once. Refuses only when `enforced`; the headers tell the truth either way."""

    def __init__(
        self, per_minute: int = 4000, concurrency: int | None = None, enforced: bool = False
    ) -> None:
        self.enforced = enforced
        self._concurrency = concurrency
        self._window = Window(per_minute, 60.0)

    def take(self, in_flight: int) -> int:
        """Count one request; the seconds to wait when it is refused, else 0."""
        now = time.monotonic()
        wait = self._window.wait(now)
        if self.enforced:
            if wait > 0:
                return math.ceil(wait)
            if self._concurrency is not None and in_flight > self._concurrency:
                return 1
        self._window.add(now)
        return 0

    def headers(self, provider: Provider) -> dict[str, str]:
        now = time.monotonic()
        limit, left, wait = str(self._window.most), str(self._window.left(now)), self._window.wait(now)
        if provider == "openai":
            return {
                "x-ratelimit-limit-requests": limit,
                "x-ratelimit-remaining-requests": left,
                "x-ratelimit-reset-requests": f"{wait:.0f}s",
            }
        reset = (datetime.now(UTC) + timedelta(seconds=wait)).strftime("%Y-%m-%dT%H:%M:%SZ")
        headers = {
            "anthropic-ratelimit-requests-limit": limit,
            "anthropic-ratelimit-requests-remaining": left,
            "anthropic-ratelimit-requests-reset": reset,
        }
        for kind in ("input-tokens", "output-tokens", "tokens"):
            headers[f"anthropic-ratelimit-{kind}-limit"] = "4000000"
            headers[f"anthropic-ratelimit-{kind}-remaining"] = "3990000"
            headers[f"anthropic-ratelimit-{kind}-reset"] = reset
        return headers
