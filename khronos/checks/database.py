"""Can it be written? Where its breaker rests, the same question is the one call that may close it."""

from khronos.exceptions import Refused
from khronos.guards.breakers import guarded
from khronos.observability import health


def database() -> str:
    """Else a breaker that opened would wait, and its alert stay, until the next message comes in."""
    try:
        with guarded("database"):
            return health.database()
    except Refused:
        return health.database()
