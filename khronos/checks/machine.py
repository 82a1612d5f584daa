"""The clocks: of this machine, the database and Redis; and whether this machine's was put."""

import time
from collections.abc import Callable
from typing import Any

from django.db import connection

from khronos.observability import heartbeat
from khronos.observability.health import Amiss
from khronos.observability.said import Said as _
from khronos.observability.said import joined
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
    wrong = [apart(name, s) for name, s in drifts.items() if abs(s) > DRIFT_MOST_S]
    if jump_s := jumps.recent_s():
        wrong.append(jumped(jump_s))
    if wrong:
        raise Amiss(joined("; ", wrong))
    most_s = max(map(abs, drifts.values()))
    return _("database, Redis and this machine agree within %(n)s s") % {"n": f"{most_s:.1f}"}


def drift_s(ask: Callable[[], float]) -> float:
    """At least so much: the answer was given between question and arrival, and a slow one is no drift."""
    before = time.time()
    theirs = ask()
    return min(0.0, theirs - before) + max(0.0, theirs - time.time())


def apart(name: str, seconds: float) -> str:
    ahead, behind = (
        _("%(name)s is %(n)s s ahead of this machine"),
        _("%(name)s is %(n)s s behind this machine"),
    )
    return (ahead if seconds > 0 else behind) % {"name": name, "n": f"{abs(seconds):.1f}"}


def jumped(seconds: float) -> str:
    forward = _("this machine's clock was put forward by %(n)s s")
    back = _("this machine's clock was put back by %(n)s s")
    return (forward if seconds > 0 else back) % {"n": f"{abs(seconds):.0f}"}


def database_time() -> float:
    with connection.cursor() as cursor:
        cursor.execute(NOW[connection.vendor])
        return float(cursor.fetchone()[0])


def redis_time() -> float:
    told: Any = heartbeat.client().time()
    seconds, microseconds = told
    return float(seconds + microseconds / 1e6)
