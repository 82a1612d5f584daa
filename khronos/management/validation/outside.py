"""What can be seen from outside: processes, and the addresses of the web server."""

import json
from typing import Any

import psutil
from django.utils.translation import gettext as _

from khronos.launch import state
from khronos.launch.ps import ago
from khronos.management.validation.scene import Scene
from khronos.observability.health import Amiss
from khronos.resilience.identity import session_members


def process(scene: Scene) -> str:
    if not scene.entries:
        return _("another supervisor than ours looks after the processes here")
    rows = state.rows(scene.entries)
    if not rows:
        raise Amiss(_("the supervisor is gone"))
    frozen = frozen_sessions(rows)
    amiss = [f"{row.name} {_('stands still')}" for row in rows if row.pid in frozen]
    amiss += [f"{row.name}: {row.state}" for row in rows if row.state != "running" or not row.pid]
    if amiss:
        raise Amiss(", ".join(amiss))
    young = [f"{row.name} {ago(row.uptime_s)}" for row in rows if row.restarts and row.uptime_s < 60]
    again = f" ({_('just started again')}: {', '.join(young)})" if young else ""
    return _("%(n)s run") % {"n": len(rows)} + again


def frozen_sessions(rows: list[state.Row]) -> set[int]:
    """Whose leader or child was told to stand still: for the supervisor it runs."""
    leaders = [row.pid for row in rows if row.pid and row.name != state.SUPERVISOR]
    own = [row.pid for row in rows if row.pid and row.name == state.SUPERVISOR and is_frozen(row.pid)]
    return {session for session, each in session_members(leaders) if is_frozen(each.pid)} | set(own)


def is_frozen(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False


def health(scene: Scene) -> str:
    body = said(scene, "/health")
    if body.get("status") != "UP":
        raise Amiss(_("it does not say UP"))
    return _("up for %(time)s, %(n)s MB") % {"time": ago(body["uptime"]), "n": body["memory"]["rss_mb"]}


def ready(scene: Scene) -> str:
    body = said(scene, "/ready", 200, 503)
    checks: dict[str, dict[str, Any]] = body.get("checks", {})
    failing = [f"{name}: {each['detail']}" for name, each in checks.items() if not each["ok"]]
    if body.get("status") != "ready":
        raise Amiss("; ".join(failing) or _("not ready"))
    return ", ".join(checks) or _("ready")


def metrics(scene: Scene) -> str:
    status, body = scene.get("/metrics")
    if status == 401:
        raise Amiss(_("METRICS_TOKEN is not the one that the web server was started with"))
    if status != 200:
        raise Amiss(unanswered(scene, status))
    lines = [line for line in body.decode().splitlines() if line.startswith("khronos_")]
    if not lines:
        raise Amiss(_("there is no number of ours"))
    return _("%(n)s numbers") % {"n": len(lines)}


def said(scene: Scene, path: str, *good: int) -> dict[str, Any]:
    status, body = scene.get(path)
    if status not in (good or (200,)):
        raise Amiss(unanswered(scene, status))
    try:
        found: dict[str, Any] = json.loads(body)
    except ValueError:
        raise Amiss(_("%(url)s is no Khronos") % {"url": scene.url}) from None
    return found


def unanswered(scene: Scene, status: int) -> str:
    if status:
        return _("%(url)s answers %(status)s") % {"url": scene.url, "status": status}
    return _("%(url)s does not answer") % {"url": scene.url}
