"""Memory: is it nearly spent, of the machine or of one process? Told before anybody has to be restarted."""

import psutil
from django.conf import settings

from khronos.observability import health
from khronos.observability.health import MIB, Amiss
from khronos.observability.said import Said as _
from khronos.observability.said import joined
from khronos.resilience import roster

UNLIMITED = {"valkey", roster.SUPERVISOR}


def memory() -> str:
    nearly = [*of_machine(), *of_processes()]
    if nearly:
        raise Amiss(joined("; ", nearly))
    return health.memory()


def of_machine() -> list[str]:
    machine = psutil.virtual_memory()
    if machine.available >= machine.total * (1 - settings.ALERT_MEMORY):
        return []
    return [_("only %(n)s MB available") % {"n": round(machine.available / MIB)}]


def of_processes() -> list[str]:
    """Those that are told to have a limit; without a supervisor there are none to tell of."""
    limit_mb = settings.MAX_MEMORY_MB
    rows = roster.rows(roster.read(roster.of_home(settings.KHRONOS_HOME)))
    full = [
        row for row in rows if row.name not in UNLIMITED and row.rss_mb > settings.ALERT_MEMORY * limit_mb
    ]
    told = _("%(name)s uses %(n)s MB of %(limit)s")
    return [told % {"name": row.name, "n": round(row.rss_mb), "limit": limit_mb} for row in full]
