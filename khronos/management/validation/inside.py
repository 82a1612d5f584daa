"""What is shown to work by letting it work: bus, queues, beat, copies, logs, alerts, looks."""

import logging
import secrets
import time
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from khronos import VERSION, checks
from khronos.bus import doorbell
from khronos.celery import app
from khronos.checks import timetable
from khronos.checks.backup import backup as copies
from khronos.management.validation.scene import LOOK_S, Scene, wait_until
from khronos.models import Alert, HealthCheck
from khronos.models.alert_policy import URGENT
from khronos.observability import canaries, heartbeat
from khronos.observability.files import SharedFile
from khronos.observability.formats import JsonLines
from khronos.observability.health import Amiss, broker, redis_server
from khronos.observability.said import local

# Under 20 s in all, with the message and the start. A quiet beat ticks every 5 s.
BUS_S, CANARY_S, BEAT_S, LOOKS_S = 5.0, 5.0, 7.0, 5.0
LOOK_AGAIN_S = 2.5
AGREED = timedelta(seconds=1)  # that much the database's clock may differ
TICK_S = 2.5  # younger than this, a sign of life was given while we look


def bus(_scene: Scene) -> str:
    redis_server()
    entry = canaries.fly_over_bus()
    complaint = _("the dispatcher did not read a new entry within %(n)s s") % {"n": BUS_S}
    took_s = wait_until(lambda: canaries.is_done_with(entry), BUS_S, complaint)
    return _("an entry was read in %(n)s ms") % {"n": round(took_s * 1000)}


def canary(_scene: Scene) -> str:
    broker()
    answers, began = f"khronos:validate:{secrets.token_hex(8)}", time.monotonic()
    places = [queue.name for queue in settings.CELERY_TASK_QUEUES]
    for place in places:
        app.send_task(canaries.CANARY, args=[answers, place], queue=place, retry=False, expires=CANARY_S)
    took: dict[str, int] = {}
    while len(took) < len(places) and time.monotonic() - began < CANARY_S:
        found: Any = heartbeat.client().lpop(answers)
        if found:
            took[found.decode()] = round((time.monotonic() - began) * 1000)
        else:
            time.sleep(LOOK_S)
    if missing := [place for place in places if place not in took]:
        raise Amiss(
            _("no answer within %(n)s s from %(places)s") % {"n": CANARY_S, "places": ", ".join(missing)}
        )
    return ", ".join(f"{place} {ms} ms" for place, ms in took.items())


def beat(_scene: Scene) -> str:
    redis_server()
    complaint = _("no tick within %(n)s s") % {"n": BEAT_S}
    wait_until(ticks, BEAT_S, complaint)
    return local(timetable.beat())


def ticks() -> bool:
    age_s = heartbeat.newest_beat_s("beat")
    return age_s is not None and age_s < TICK_S


def backup(_scene: Scene) -> str:
    return local(copies())


def logs(scene: Scene) -> str:
    path = scene.home.path / "logs" / "combined.log"
    mark = line_of("validate was here", mark=secrets.token_hex(8))
    try:
        SharedFile(path).write(mark)
        with path.open("rb") as file:
            file.seek(-min(path.stat().st_size, 100_000), 2)
            is_there = mark in file.read()
    except OSError as error:
        raise Amiss(f"{path}: {error.strerror or error}") from None
    if not is_there:
        raise Amiss(_("a line that was written is not in %(path)s") % {"path": path})
    return _("a line was written and found, %(n)s MB") % {"n": f"{path.stat().st_size / 1e6:.1f}"}


def line_of(message: str, **facts: str) -> bytes:
    """As every process writes it."""
    record = logging.makeLogRecord(
        {"name": "khronos.validate", "levelno": logging.DEBUG, "levelname": "DEBUG", "msg": message, **facts}
    )
    return (JsonLines("validate", settings.ENVIRONMENT, VERSION).format(record) + "\n").encode()


def alerts(_scene: Scene) -> str:
    open_ = Alert.objects.open().order_by("-repeated_at")
    grave = [f"{alert.name}: {alert.text}" for alert in open_ if alert.level in URGENT]
    if grave:
        raise Amiss("; ".join(grave))
    lesser = [alert.name for alert in open_]
    return _("open, but not grave: %(names)s") % {"names": ", ".join(lesser)} if lesser else _("none is open")


def looks(_scene: Scene) -> str:
    """A new look of each, where anybody looks; and more at what is bad, since it may be starting."""
    until, asked_at = time.monotonic() + LOOKS_S, timezone.now() - AGREED
    while time.monotonic() < until and not all_are_good(asked_at, LOOK_AGAIN_S):
        continue
    rows = {row.name: row for row in HealthCheck.objects.filter(checked_at__gte=asked_at)}
    if not rows:
        raise Amiss(
            _("nobody looks: what was asked to be looked at was not, within %(n)s s") % {"n": LOOKS_S}
        )
    if amiss := list(filter(None, (told(name, rows.get(name)) for name in checks.LOOKS))):
        raise Amiss("; ".join(amiss))
    return ", ".join(rows)


def all_are_good(asked_at: datetime, within_s: float) -> bool:
    good = HealthCheck.objects.filter(checked_at__gte=asked_at, ok=True)
    HealthCheck.objects.exclude(pk__in=good.values("pk")).again()
    doorbell.call("tasks.ops.look_around", "ops")
    try:
        wait_until(lambda: good.count() >= len(checks.LOOKS), within_s, "")
    except Amiss:
        return False
    return True


def told(name: str, row: HealthCheck | None) -> str:
    """Nothing of what is good."""
    if row is None:
        return f"{name}: {_('nobody looks at it')}"
    return "" if row.ok else f"{name}: {row.local}"
