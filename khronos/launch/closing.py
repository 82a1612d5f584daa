"""What every process closes when it stops, whatever kind it is: queue, database, Redis and sockets."""

import threading
from collections.abc import Callable, Iterable
from functools import _lru_cache_wrapper
from typing import Any
from weakref import WeakSet

import redis
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from khronos import http
from khronos.bus import connection as bus
from khronos.bus import doorbell
from khronos.celery import app
from khronos.observability import exports, heartbeat
from khronos.resilience.farewell import Farewell, Step
from khronos.resilience.pools import of_psycopg

CLIENTS = (bus.quick, bus.patient, heartbeat.client)

# Threads without anything to do when all is quiet: the main one waits, and so do those that answer turns or
# requests. The web server's are not Python's own: they have no name, or are called dummies.
AT_REST = (threading.main_thread().name, "thinker", "Dummy-")

databases: WeakSet[BaseDatabaseWrapper] = WeakSet()


def remember(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Django knows each thread's own connection alone."""
    databases.add(connection)


connection_created.connect(remember)


def closes(farewell: Farewell) -> None:
    """The last three steps."""
    farewell.on(Step.QUEUE, close_queue)
    farewell.on(Step.DATABASE, lambda: close_databases(farewell.is_quiet()))
    farewell.on(Step.SOCKETS, close_sockets)


def close_queue() -> str:
    """Only what was used: to make it now would take longer than to close it."""
    doorbell.bells.stop()
    pools = [vars(app).get("_pool"), getattr(vars(app).get("amqp"), "_producer_pool", None)]
    for pool in filter(None, pools):
        pool.force_close_all()
    close([doorbell.broker])
    if doorbell.bell.cache_info().currsize:
        doorbell.bell().close()
    return "closed"


def close_databases(is_quiet: bool) -> str:
    """Never under the hands of a thread that may use it: SQLite would crash the process."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    count = 0
    for database in list(databases):
        rests = names.get(vars(database)["_thread_ident"], AT_REST[0]).startswith(AT_REST)
        if database.connection is not None and is_quiet and rests:
            database.inc_thread_sharing()
            database.close()
            count += 1
    if is_quiet and (pool := getattr(connections["default"], "pool", None)):  # what is closed went into it
        count = of_psycopg(pool.get_stats()).available
        connections["default"].close_pool()  # type: ignore[attr-defined]
    left = sum(database.connection is not None for database in list(databases))
    return f"{count} connections closed, {left} left to the end of the process"


def close_sockets() -> str:
    told = f", {exports.flush()}" if exports.are_used() else ""
    return f"closed {close(CLIENTS)} Redis clients and {http.close_all()} kept connections{told}"


def close(clients: "Iterable[_lru_cache_wrapper[redis.Redis]]") -> int:
    """What is idle, of those clients that were made; answers how many these are."""
    made = [client() for client in clients if client.cache_info().currsize]
    for each in made:
        each.connection_pool.disconnect(inuse_connections=False)
    return len(made)


def with_database(deed: Callable[[], str]) -> Callable[[], str]:
    """A step's thread ends with it, and so does the connection that Django opened for it."""

    def do() -> str:
        try:
            return deed()
        finally:
            connections.close_all()

    return do
