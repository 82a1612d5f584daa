"""This machine and this process: what runs, memory, disk, caches, pools, the newest backup."""

import os
import shutil
import sys
import threading
import time
from dataclasses import asdict
from typing import Any

import psutil
from django.conf import settings

from khronos import VERSION
from khronos.guards import caches
from khronos.guards.views import pools
from khronos.resilience import roster
from khronos.resilience.roster import MIB

me = psutil.Process()


def look() -> dict[str, Any]:
    rows = roster.rows(roster.read(roster.of_home(settings.KHRONOS_HOME)))
    return {
        "processes": [asdict(row) for row in rows],
        "uptime_s": next((row.uptime_s for row in rows if row.name == roster.SUPERVISOR), own_uptime_s()),
        "version": VERSION,
        "limit_mb": settings.MAX_MEMORY_MB,
        "machine": machine(),
        "python": python(),
        "disk_free_mb": round(shutil.disk_usage(settings.KHRONOS_HOME).free / MIB),
        "caches": {name: asdict(stats) for name, stats in caches.caches().stats().items()},
        "pools": pools(),
    }


def own_uptime_s() -> float:
    return round(time.time() - me.create_time(), 1)


def python() -> dict[str, Any]:
    """Of the process that answers."""
    return {
        "pid": me.pid,
        "rss_mb": round(me.memory_info().rss / MIB, 1),
        "threads": threading.active_count(),
        "allocated_blocks": sys.getallocatedblocks(),
    }


def machine() -> dict[str, Any]:
    memory = psutil.virtual_memory()
    return {
        "total_mb": round(memory.total / MIB),
        "available_mb": round(memory.available / MIB),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
    }
