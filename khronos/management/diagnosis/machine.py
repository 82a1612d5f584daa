"""The machine: programs, room, ports."""

import platform
import sqlite3
import sys

from django.db import connection
from django.utils.translation import gettext as _

from khronos.launch import probes, state
from khronos.launch.home import Home
from khronos.launch.ports import DEFAULTS, USES
from khronos.launch.sockets import holder_of, is_free
from khronos.management.diagnosis.finding import Finding, Findings, ill, well
from khronos.observability import health
from khronos.observability.said import local
from settings import dotenv

PYTHON = (3, 12)
SQLITE = (3, 51, 3)  # the first without the WAL-reset corruption bug


def versions() -> Findings:
    if sys.version_info >= PYTHON:
        yield well(f"Python {platform.python_version()}")
    else:
        yield ill(
            _("Python %(version)s is too old") % {"version": platform.python_version()}, _("install 3.12")
        )
    if connection.vendor != "sqlite":
        return
    if sqlite3.sqlite_version_info >= SQLITE:
        yield well(f"SQLite {sqlite3.sqlite_version}")
    else:
        yield ill(
            _("SQLite %(version)s has a bug that can damage a database (mended in 3.51.3)")
            % {"version": sqlite3.sqlite_version},
            _("`deploy/bootstrap` installs a newer one where there is one; else use PostgreSQL"),
        )


def room() -> Findings:
    for ask, fix in (
        (health.disk, _("make room, or move KHRONOS_HOME to another disk")),
        (health.memory, _("end other programs, or lower AGENT_PROCESSES and MAX_MEMORY_MB")),
    ):
        yield asked(ask, fix)


def asked(ask: health.Asks, fix: str) -> Finding:
    """A health check's answer as a finding."""
    result = health.run(ask)
    detail = local(result.detail)
    return well(detail) if result.ok else ill(detail, fix)


def ports() -> Findings:
    known, runs = dotenv.merged(), state.supervisor(state.load(Home.configured())) is not None
    for name, default in DEFAULTS.items():
        port = int(known.get(name) or default)
        host = known.get("KHRONOS_HOST", "") or "127.0.0.1"
        if runs and probes.accepts(probes.reach(host), port):
            yield well(_("%(name)s %(port)s is ours") % {"name": name, "port": port})
        elif is_free(host, port):
            yield well(_("%(name)s %(port)s is free") % {"name": name, "port": port})
        else:
            yield taken(name, port, is_set=name in dotenv.given())


def taken(name: str, port: int, *, is_set: bool) -> Finding:
    who = _("Port %(port)s (%(use)s) is taken by %(who)s") % {
        "port": port, "use": USES[name], "who": holder_of(port),
    }  # fmt: skip
    if not is_set:
        return well(who + _("; `make up` chooses the next free one"))
    return ill(who, _("stop that program, or set another %(name)s") % {"name": name})
