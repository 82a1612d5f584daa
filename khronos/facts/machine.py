"""Processes of this machine, its disk, connections that are open, and the age of the backup."""

import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings
from django.db import connection
from prometheus_client import Metric

from khronos.bus.connection import quick
from khronos.facts.gauges import gauge, gauges
from khronos.observability.health import MIB
from khronos.resilience.identity import Identity, session_members


def processes() -> Iterator[Metric]:
    """As the supervisor last wrote them down; without one there are none to tell of."""
    with contextlib.suppress(OSError, ValueError):
        entries = json.loads((Path(settings.KHRONOS_HOME) / "run" / "processes.json").read_text("utf-8"))
        yield from told(entries)


def told(entries: list[dict[str, Any]]) -> Iterator[Metric]:
    living = {
        entry["name"]: entry["pid"]
        for entry in entries
        if entry["pid"] and Identity(entry["pid"], entry["started"]).process()
    }
    memory = dict.fromkeys(living, 0.0)
    names = {pid: name for name, pid in living.items()}
    for leader, process in session_members(names):
        with contextlib.suppress(psutil.Error):
            memory[names[leader]] += process.memory_info().rss
    up = {entry["name"]: float(entry["name"] in living) for entry in entries}
    restarts = {entry["name"]: float(entry["restarts"]) for entry in entries}
    yield gauges("khronos_process_up", "1 for a process that runs.", "name", up)
    yield gauges("khronos_process_restarts", "Restarts since `make up`.", "name", restarts)
    yield gauges(
        "khronos_process_resident_memory_bytes", "Memory of a process with its children.", "name", memory
    )
    yield gauge(
        "khronos_memory_limit_bytes", "A process above it is restarted.", float(settings.MAX_MEMORY_MB * MIB)
    )


def disk() -> Iterator[Metric]:
    free = float(shutil.disk_usage(settings.KHRONOS_HOME).free)
    yield gauge("khronos_disk_free_bytes", "Free where KHRONOS_HOME is.", free)


def connections() -> Iterator[Metric]:
    clients: Any = quick().info("clients")
    yield gauge(
        "khronos_active_connections",
        "Connections of Redis, and of PostgreSQL where it is used.",
        float(clients["connected_clients"]) + of_postgresql(),
    )


def of_postgresql() -> int:
    """SQLite has none: each thread opens the file for itself."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'khronos %'"
        )
        return int(cursor.fetchone()[0])


def backup() -> Iterator[Metric]:
    age_s = backup_age_s()
    if age_s is not None:
        yield gauge("khronos_backup_age_seconds", "Age of the newest copy.", age_s)


def backup_age_s() -> float | None:
    """The newest file of Litestream's replica, where that is a folder: elsewhere it cannot be known."""
    folder = Path(settings.KHRONOS_HOME) / "backup" / "litestream"
    newest = max((path.stat().st_mtime for path in folder.rglob("*") if path.is_file()), default=None)
    return None if newest is None else max(0.0, time.time() - newest)
