"""The time of each statement, as the application waits for it."""

import threading
import time
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from khronos.observability import metrics

OTHER = metrics.QUERIES.labels(operation="other")
OPERATIONS = {
    name: metrics.QUERIES.labels(operation=name.lower()) for name in ("SELECT", "INSERT", "UPDATE", "DELETE")
}


lock = threading.Lock()
opened: WeakSet[BaseDatabaseWrapper] = WeakSet()


def measure() -> None:
    """Every connection that is opened from now on."""
    connection_created.connect(watch)


def watch(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if connection.vendor == "sqlite":  # PostgreSQL is asked itself
        with lock:
            opened.add(connection)
            metrics.SQLITE.set(sum(each.connection is not None for each in opened))
    if timed not in connection.execute_wrappers:  # its next life
        connection.execute_wrappers.append(timed)


def timed(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    began = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        name = sql[:6] if isinstance(sql, str) else ""
        OPERATIONS.get(name, OTHER).observe(time.perf_counter() - began)
