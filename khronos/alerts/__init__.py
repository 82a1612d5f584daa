"""Alerts: what an operator must know, as rows with a life; one row a name, repeats counted (docs/alerts.md).

kinds.py   every kind there is, with its runbook
words.py   what people read
means.py   Telegram, and fallbacks.py: webhook, e-mail
book.py    while the database is away

Who is told when: khronos/herald/.
"""

import logging
import time

from django.conf import settings
from django.db import Error

from khronos.alerts import clock
from khronos.alerts.book import book
from khronos.bus import doorbell
from khronos.database import storable
from khronos.models import Alert
from khronos.models.alert_policy import LEVELS
from khronos.observability.said import in_language
from khronos.observability.secrecy import scrub

log = logging.getLogger(__name__)

TELL_TASK = "tasks.alerts.tell"
NAME_MAX, TEXT_MAX = 120, 4000  # characters
SEVERITY = logging.getLevelNamesMapping()
REMEMBER_S = 10.0  # a healthy path asks the database about its alert no more often than this

_resolved: dict[str, float] = {}


def raise_alert(name: str, level: str, text: str) -> None:
    """Never raises: what it tells of must not become worse by the telling."""
    _resolved.pop(name, None)
    name, level, text = fit(name, level, text)
    if book.is_open:
        book.raised(name, level, text)
        return
    try:
        keep(name, level, text)
    except Error as error:
        log.warning("alert not kept", extra={"alert": name, "error": type(error).__name__})
        book.raised(name, level, text)


def raise_without_database(name: str, level: str, text: str) -> None:
    """For whoever knows that it is away: it is not asked, and nobody waits."""
    _resolved.pop(name, None)
    name, level, text = fit(name, level, text)
    book.raised(name, level, text)


def fit(name: str, level: str, text: str) -> tuple[str, str, str]:
    """What the row can hold and people may read, in their language where it is Said; logged in English."""
    name, level = storable(name)[:NAME_MAX], level if level in LEVELS else "error"
    log.log(SEVERITY[level.upper()], "alert: %s", readable(text), extra={"alert": name})
    return name, level, readable(in_language(text, settings.ALERT_LANGUAGE))


def readable(text: str) -> str:
    return storable(scrub(text))[:TEXT_MAX]


def keep(name: str, level: str, text: str) -> None:
    rows, now = Alert.objects, clock.moment()
    if rows.repeat(name, level, text, 1, now):
        return
    if not rows.begin(name, level, text, 1, now):
        rows.make(name, now)
        if not rows.begin(name, level, text, 1, now):
            rows.repeat(name, level, text, 1, now)  # another raised it at the same moment
            return
    doorbell.call(TELL_TASK, "ops")


def resolve_alert(name: str) -> bool:
    """True for the one, among all processes, that ended it."""
    if time.monotonic() < _resolved.get(name, 0.0):
        return False
    _resolved[name] = time.monotonic() + REMEMBER_S
    if book.is_open:
        book.over(name)
        return False
    try:
        return end_alert(name)
    except Error as error:
        log.warning("alert stays open", extra={"alert": name, "error": type(error).__name__})
        book.over(name)
        return False


def end_alert(name: str) -> bool:
    """Asks the database in any case, and raises what it raises."""
    if not Alert.objects.end(name, clock.moment()):
        return False
    log.info("alert over", extra={"alert": name})
    doorbell.call(TELL_TASK, "ops")
    return True
