"""Can it be written? Where its breaker rests, the same question is the one call that may close it."""

from contextlib import suppress

from khronos.exceptions import Refused
from khronos.guards.breakers import guarded
from khronos.observability import health


def database() -> str:
    """Else a breaker that opened would wait, and its alert stay, until the next message comes in."""
    seen = health.database()
    with suppress(Refused), guarded("database"):
        health.database()
    return seen
