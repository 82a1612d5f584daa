"""Processes of this machine, its disk, and connections that are open."""

import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import psutil
from django.conf import settings
from django.db import connection
from prometheus_client import Metric

from khronos.bus.connection import quick
from khronos.facts.gauges import gauge, gauges
from khronos.observability.scrape import total
from khronos.resilience import roster
from khronos.resilience.roster import MIB, Entry


def processes() -> Iterator[Metric]:
    """As the supervisor last wrote them down; without one there are none to tell of."""
    entries = roster.read(roster.of_home(settings.KHRONOS_HOME))
    if entries:
        yield from told(entries)


def told(entries: Sequence[Entry]) -> Iterator[Metric]:
    living = {entry.name: process for entry in entries if (process := running(entry))}
    sessions = roster.memory_mb(process.pid for process in living.values())
    memory = {name: sessions[process.pid] * MIB for name, process in living.items()}
    if supervisor := living.get(roster.SUPERVISOR):  # it leads no session where a terminal does
        memory[roster.SUPERVISOR] = roster.own_mb(supervisor) * MIB
    up = {entry.name: float(entry.name in living) for entry in entries}
    restarts = {entry.name: float(entry.restarts) for entry in entries}
    yield gauges("khronos_process_up", "1 for a process that runs.", "name", up)
    yield gauges("khronos_process_restarts", "Restarts since `make up`.", "name", restarts)
    yield gauges(
        "khronos_process_resident_memory_bytes", "Memory of a process with its children.", "name", memory
    )
    yield gauge(
        "khronos_memory_limit_bytes", "A process above it is restarted.", float(settings.MAX_MEMORY_MB * MIB)
    )


def running(entry: Entry) -> psutil.Process | None:
    return entry.identity.process() if entry.identity else None


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
