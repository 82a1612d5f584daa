"""The questions of the page, and what its addresses answer: one computed answer for all who look."""

from dataclasses import asdict
from typing import Any

from django.conf import settings

from khronos import VERSION
from khronos.desk.dashboard import machine, sizes, stores, usage, work
from khronos.desk.dashboard.hour import Hour
from khronos.desk.dashboard.questions import Board, Question
from khronos.desk.dashboard.verdict import findings, told
from khronos.guards.breakers import ONE_EACH
from khronos.observability.health import readiness
from khronos.observability.said import translated
from khronos.resilience.roster import MIB, SUPERVISOR

SELDOM_S = 30.0  # for what changes slowly


def checks() -> dict[str, Any]:
    return {
        name: asdict(result) | {"told": translated(result.detail)}
        for name, result in readiness.look().items()
    }


def valkey() -> dict[str, Any]:
    known = board.questions["work"].data or {}
    guarded = known.get("breakers", [name for name in settings.BREAKERS if name not in ONE_EACH])
    return stores.look(guarded, known.get("limits", {}))


board = Board(
    {
        "work": Question(work.look),
        "hour": Question(Hour().look),
        "usage": Question(usage.look, SELDOM_S),
        "stores": Question(valkey),
        "machine": Question(machine.look),
        "sizes": Question(sizes.look, SELDOM_S),
        "checks": Question(checks),
    }
)


def everything() -> dict[str, Any]:
    answers = board.look()
    return {
        "findings": findings(answers),
        "parts": {name: asdict(answer) for name, answer in answers.items()},
    }


def services() -> dict[str, Any]:
    """Each process of this machine, each role that is alive anywhere, each thing that they depend on."""
    answers = board.look()
    here = told(answers, "machine")
    return {
        "version": VERSION,
        "uptime_s": here.get("uptime_s"),
        "services": here.get("processes", []),
        "alive": told(answers, "stores").get("alive"),
        "checks": told(answers, "checks") or None,
    }


def memory() -> dict[str, Any]:
    answers = board.look()
    here, sizes_now = told(answers, "machine"), told(answers, "sizes")
    return {
        "processes": [of_process(row) for row in here.get("processes", [])],
        "machine": here.get("machine"),
        "python": here.get("python"),
        "valkey_mb": mb(told(answers, "stores").get("memory_bytes")),
        "database_mb": mb(sizes_now.get("database_bytes")),
    }


def of_process(row: dict[str, Any]) -> dict[str, Any]:
    """Valkey's data would be as large after a restart, and nobody restarts the supervisor."""
    limit_mb = None if row["name"] in ("valkey", SUPERVISOR) else settings.MAX_MEMORY_MB
    return {"name": row["name"], "pid": row["pid"], "rss_mb": row["rss_mb"], "limit_mb": limit_mb}


def mb(size: int | None) -> float | None:
    return None if size is None else round(size / MIB, 1)
