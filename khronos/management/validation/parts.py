"""The lines of `validate`, in their order. A new one is a function and one line here."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext_noop as _

from khronos.management.validation import inside, message, outside
from khronos.management.validation.scene import Scene


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    ask: Callable[[Scene], str]
    fix: str
    deadline_s: float = 4.0


AGAIN = _("`make ps` shows what runs, KHRONOS_HOME/logs what it said; `make down` and `make up` start anew")

AT_ONCE: tuple[Part, ...] = (
    Part("process", outside.process, AGAIN),
    Part("health", outside.health, AGAIN),
    Part("ready", outside.ready, _("mend what is named; `python manage.py doctor` explains it"), 4.5),
    Part(
        "metrics",
        outside.metrics,
        _("set METRICS_TOKEN as it was at the start, or `make down` and `make up`"),
    ),
    Part("bus", inside.bus, _("look at valkey and dispatcher in `make ps` and KHRONOS_HOME/logs"), 7.0),
    Part("canary", inside.canary, _("look at agent and worker in `make ps` and KHRONOS_HOME/logs"), 8.0),
    Part("beat", inside.beat, _("look at beat in `make ps` and KHRONOS_HOME/logs"), 8.0),
    Part(
        "backup",
        inside.backup,
        _("`python manage.py backup status` says more; see whether their target has room"),
        5.0,
    ),
    Part("logs", inside.logs, _("make room, and let this user write to KHRONOS_HOME/logs")),
    Part("alerts", inside.alerts, _("see to them; /admin/khronos/alert/ has all that is known")),
    Part(
        "checks",
        inside.looks,
        _("`python manage.py doctor` explains it; /admin/khronos/healthcheck/ has all"),
        8.0,
    ),
)
LAST = Part("message", message.message, _("`python manage.py why last` tells how far it came"), 9.5)
