"""What databases want: texts that they can hold; and their connections, which are few and shared.

Who waits for something else gives his connection back (ADR 12).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection

from khronos.resilience.deadlines import left_s

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL refuses NUL, UTF-8 has no lone surrogates


def storable(text: str) -> str:
    return UNSTORABLE.sub("", text)


def give_back() -> None:
    """Into the pool; SQLite's stays, it is a file that is open. In a transaction nothing is given back."""
    if connection.connection is not None and not connection.in_atomic_block and has_pool():
        connection.close()


def has_pool() -> bool:
    return "pool" in connection.settings_dict["OPTIONS"]


def in_time() -> None:
    """Raises OperationalError where the deadline has passed; the database is not asked."""
    if left_s() == 0.0:
        raise OperationalError("the time for this was over before the database was asked")


@contextmanager
def until_deadline() -> Iterator[None]:
    """SQLite waits for another's transaction no longer than that."""
    left, usual_s = left_s(), connection.settings_dict["OPTIONS"].get("timeout", 0)
    if left is None or connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    be_patient(min(left, usual_s))
    try:
        yield
    finally:
        be_patient(usual_s)


def be_patient(seconds: float) -> None:
    if connection.connection is not None:
        connection.connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
