"""What is old goes slice by slice, each its own transaction, so that nobody waits long for the database."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import models

from khronos.models.commit import commit

SLICE = 200  # rows a transaction: some 30 ms among millions; of 1000 others waited for up to a second
FOR_S = 200.0  # a run; below the broker's visibility timeout, the next run goes on


def forget_slices(
    old: "models.QuerySet[Any]",
    since: str,
    forget: Callable[[list[int]], int],
    *,
    most: int = SLICE,
    for_s: float = FOR_S,
) -> int:
    """The oldest first, by the column `since`. Answers how many."""
    until = time.monotonic() + for_s
    forgotten = 0
    while ids := list(old.order_by(since).values_list("pk", flat=True)[:most]):
        forgotten += commit(partial(forget, ids))
        if len(ids) < most or time.monotonic() >= until:
            break
    return forgotten
