"""What runs, and whether it does what it is there for."""

from dataclasses import replace

from django.utils.translation import gettext as _

from khronos.launch import state
from khronos.launch.home import Home
from khronos.management.diagnosis.finding import Findings, ill, well
from khronos.management.diagnosis.machine import asked
from khronos.management.validation.outside import amiss
from khronos.observability import health


def processes() -> Findings:
    rows = state.rows(state.load(Home.configured()))
    if not rows:
        yield well(_("not looked at: Khronos is not running"))
        return
    down = [complaint for row in rows if (complaint := amiss(row))]
    for complaint in down:
        yield ill(complaint, _("KHRONOS_HOME/logs has what it said; `make down` and `make up` start anew"))
    if not down:
        yield well(_("%(n)s run") % {"n": len(rows)})
    for name, ask in (("redis", health.redis_server), ("broker", health.broker), ("workers", health.workers)):
        found = asked(ask, f"docs/runbooks/{name}-down.md")
        yield replace(found, says=f"{name}: {found.says}")
