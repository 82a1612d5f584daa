"""Processes of this machine, its disk, and connections that are open."""

import contextlib
import json
import shutil
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
from khronos.observability.scrape import total
from khronos.resilience.identity import Identity, session_members

SUPERVISOR = "supervisor"


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
    if SUPERVISOR in living:  # it leads no session where a terminal does
        memory[SUPERVISOR] = psutil.Process(living[SUPERVISOR]).memory_info().rss
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
        "Connections of database and Redis that are open.",
        float(clients["connected_clients"]) + of_database(),
    )


def of_database() -> float:
    """SQLite knows of no others: each process counts its own."""
    if connection.vendor == "sqlite":
        return total("khronos_sqlite_connections")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'khronos %'"
        )
        return float(cursor.fetchone()[0])
