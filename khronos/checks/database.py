"""Can it be written? Where its breaker rests, the answer is what may close it."""

from contextlib import suppress

from khronos.exceptions import Refused
from khronos.guards.breakers import guarded
from khronos.observability import health


def database() -> str:
    """Else a breaker that opened would wait, and its alert stay, until the next message comes in."""
    seen = health.database()
    with suppress(Refused), guarded("database"):
        pass  # it has answered just now
    return seen
