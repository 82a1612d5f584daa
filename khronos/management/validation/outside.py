"""What can be seen from outside: processes, and the addresses of the web server."""

import json
from typing import Any

from django.utils.translation import gettext as _

from khronos.launch import state
from khronos.launch.ps import ago
from khronos.management.validation.scene import Scene
from khronos.observability.health import Amiss


def process(scene: Scene) -> str:
    if not scene.entries:
        return _("another supervisor than ours looks after the processes here")
    rows = state.rows(scene.entries)
    if not rows:
        raise Amiss(_("the supervisor is gone"))
    if down := [complaint for row in rows if (complaint := amiss(row))]:
        raise Amiss(", ".join(down))
    young = [f"{row.name} {ago(row.uptime_s)}" for row in rows if row.restarts and row.uptime_s < 60]
    again = f" ({_('just started again')}: {', '.join(young)})" if young else ""
    return _("%(n)s run") % {"n": len(rows)} + again


def amiss(row: state.Row) -> str:
    """Empty where it runs."""
    if row.state == state.FROZEN:
        return f"{row.name} {_('stands still')}"
    return "" if row.state == "running" and row.pid else f"{row.name}: {row.state}"


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
