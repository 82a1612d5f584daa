"""From DATABASE_URL to Django's dictionary; SQLite tuned for many processes that write."""

import os
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from khronos.exceptions import Misconfigured
from settings.env import env

# Litestream folds the journal into the file, each thousand pages. Where another did so beside it, pages never
# reached its copies, and what was restored had broken indexes. So ours comes far later, where there is none.
JOURNAL_PAGES = 200_000

# Each thread has a connection of its own: what each maps of the file counts as memory of the process again,
# and what each keeps of it is void when another process has written. So it keeps little: 400 KiB.
SQLITE_PRAGMAS = f"""
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA cache_size = -400;
    PRAGMA mmap_size = 0;
    PRAGMA wal_autocheckpoint = {JOURNAL_PAGES};
"""

POSTGRESQL_OPTIONS: dict[str, Any] = {
    "connect_timeout": 3,  # seconds
    # A server that is gone without a word is noticed within a lease of 30 s, not after a quarter of an hour.
    "keepalives_idle": 10,  # seconds of silence before the first probe
    "keepalives_interval": 5,  # seconds between probes
    "keepalives_count": 3,  # probes without an answer
    "tcp_user_timeout": 25_000,  # milliseconds for what was sent to be acknowledged
}
# What the server itself ends, so that one stuck statement holds up nobody for ever. Migrations that build
# an index on a large table lift the first of them for themselves.
POSTGRESQL_LIMITS = {
    "statement_timeout": "30s",  # as long as a lease: then the work belongs to somebody else
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "60s",  # a frozen process must not keep its locks
}
# An index of pgvector looks at as many as are asked for, and on where the rows of others are near.
POSTGRESQL_SEARCH = {"hnsw.ef_search": "500", "hnsw.iterative_scan": "relaxed_order"}

# Threads share them: whoever does not use his gives it back (khronos/database.py).
POSTGRESQL_POOL: dict[str, Any] = {
    "min_size": env.database_pool_min,
    "max_size": env.database_pool_max,
    "timeout": 5.0,  # seconds until a connection is free
    "max_idle": 30.0,  # seconds in which it was not needed; it is closed then, where there are too many
    # Seconds. After a loss the pool doubles its waits for so long, then begins anew: none is above a second.
    # With the default of 300 a server that was away for a minute would be missed for another.
    "reconnect_timeout": 2.0,
}


def configured() -> dict[str, Any]:
    if not env.database_url:
        return sqlite(str(env.home / "khronos.sqlite3"))
    parts = urlsplit(env.database_url)
    if parts.scheme == "sqlite":
        return sqlite(unquote(parts.path))
    if parts.scheme in ("postgres", "postgresql"):
        return postgresql(env.database_url)
    raise Misconfigured(
        f"DATABASE_URL begins with {parts.scheme!r}.\n"
        "  Fix: use postgresql://user:password@host/name, or leave it out."
    )


def sqlite(path: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 10,  # seconds to wait for another process's transaction
            "transaction_mode": "IMMEDIATE",  # a transaction that reads first and writes then cannot deadlock
            "init_command": SQLITE_PRAGMAS,
        },
    }


def postgresql(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "khronos",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", "") or unquote(parts.hostname or ""),
        "PORT": parts.port or "",
        "CONN_MAX_AGE": 0,  # back into the pool
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **POSTGRESQL_OPTIONS,
            "application_name": f"khronos {os.environ.get('KHRONOS_PROCESS', 'manage')}",
            "options": server_options(query.pop("options", None)),
            **query,
            "pool": pool(),
        },
    }


def pool() -> dict[str, Any]:
    from khronos.resilience.bounded import BoundedConnection, try_on  # noqa: PLC0415 (SQLite needs no psycopg)

    if env.database_pool_min > env.database_pool_max:
        raise Misconfigured(
            f"DATABASE_POOL_MIN={env.database_pool_min} is above DATABASE_POOL_MAX={env.database_pool_max}.\n"
            "  Fix: correct one of them in the environment or in .env."
        )
    return {**POSTGRESQL_POOL, "connection_class": BoundedConnection, "reconnect_failed": try_on}


def server_options(given: str | None) -> str:
    """Of two settings the later counts: the operator's. An empty `options=` sends none, for a pooler."""
    if given == "":
        return ""
    all_of_ours = POSTGRESQL_LIMITS | POSTGRESQL_SEARCH
    ours = " ".join(f"-c {name}={value}" for name, value in all_of_ours.items())
    return f"{ours} {given}" if given else ours
