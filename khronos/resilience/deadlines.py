"""How long a thread may wait for a store that answers nothing and refuses nothing.

`with within(3.0):` whatever the thread asks a store that knows of deadlines is answered, or fails, by then.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Here(threading.local):
    deadline: float | None = None


here = Here()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """For all that is asked in the block, together. A longer one inside a shorter one changes nothing."""
    outer, mine = here.deadline, time.monotonic() + seconds
    here.deadline = mine if outer is None else min(outer, mine)
    try:
        yield
    finally:
        here.deadline = outer


def left_s() -> float | None:
    """None: nobody has set a deadline."""
    return None if here.deadline is None else max(0.0, here.deadline - time.monotonic())
