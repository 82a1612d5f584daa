"""The clocks: of this machine, the database and Redis; and whether this machine's was put."""

import time
from collections.abc import Callable
from typing import Any

from django.db import connection

from khronos.observability import heartbeat
from khronos.observability.health import Amiss
from khronos.resilience.wallclock import WallClock

DRIFT_MOST_S = 2.0  # leases are on the database's clock, ages are shown by the machine's
JUMP_TOLD_S = 600.0
NOW = {
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())",
}


class Jumps:
    """One is over in a moment, so it is told of for a while."""

    def __init__(self, wall: WallClock, steady: Callable[[], float] = time.monotonic) -> None:
        self.wall, self.steady = wall, steady
        self.last_s, self.at = 0.0, 0.0

    def recent_s(self) -> float:
        if moved_s := self.wall.moved_s():
            self.last_s, self.at = moved_s, self.steady()
        return self.last_s if self.last_s and self.steady() - self.at < JUMP_TOLD_S else 0.0


jumps = Jumps(WallClock())


def clock() -> str:
    drifts = {"database": drift_s(database_time), "Redis": drift_s(redis_time)}
    wrong = [f"{name} is {how(s)} of this machine" for name, s in drifts.items() if abs(s) > DRIFT_MOST_S]
    if jump_s := jumps.recent_s():
        wrong.append(
            f"this machine's clock was put {'forward' if jump_s > 0 else 'back'} by {abs(jump_s):.0f} s"
        )
    if wrong:
        raise Amiss("; ".join(wrong))
    return f"database, Redis and this machine agree within {max(map(abs, drifts.values())):.1f} s"


def drift_s(ask: Callable[[], float]) -> float:
    """Against the middle of the question, so that a slow answer is no drift."""
    before = time.time()
    theirs = ask()
    return theirs - (before + time.time()) / 2


def how(seconds: float) -> str:
    return f"{abs(seconds):.1f} s {'ahead' if seconds > 0 else 'behind'}"


def database_time() -> float:
    with connection.cursor() as cursor:
        cursor.execute(NOW[connection.vendor])
        return float(cursor.fetchone()[0])


def redis_time() -> float:
    seconds, microseconds = _redis_time()
    return seconds + microseconds / 1e6


def _redis_time() -> tuple[int, int]:
    found: Any = heartbeat.client().time()
    return found  # type: ignore[no-any-return]
