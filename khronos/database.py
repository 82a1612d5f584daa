"""The database's connections are few and shared: who waits for something else gives his back (ADR 12)."""

from django.db import OperationalError, connection

from khronos.resilience.deadlines import left_s


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
