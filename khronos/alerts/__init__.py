"""Alerts: what an operator must know, as rows with a life. One row a name; repeats are counted."""

import logging
import time

from django.conf import settings
from django.db import DatabaseError
from django.db.models import F
from django.db.models.functions import Now

from khronos.bus import doorbell
from khronos.bus.routes import NOTIFY_TASK
from khronos.channels import transport_of
from khronos.models import Alert, Channel

log = logging.getLogger(__name__)

SIGNS = {"info": "ℹ️", "warning": "⚠️", "error": "❌", "critical": "🔥"}
REMEMBER_S = 10.0  # a healthy path asks the database about its alert no more often than this

_resolved: dict[str, float] = {}


def raise_alert(name: str, level: str, text: str) -> None:
    """Never raises: what it tells of must not become worse by the telling."""
    _resolved.pop(name, None)
    log.error("alert: %s", text, extra={"alert": name, "level_": level})
    try:
        keep(name, level, text)
    except DatabaseError as error:
        log.warning("alert not kept", extra={"alert": name, "error": type(error).__name__})


def keep(name: str, level: str, text: str) -> None:
    open_ = Alert.objects.filter(name=name, resolved_at=None)
    if open_.update(count=F("count") + 1, repeated_at=Now(), text=text, level=level):
        return
    alert, _ = Alert.objects.update_or_create(
        name=name,
        defaults={
            "level": level,
            "text": text,
            "count": 1,
            "raised_at": Now(),
            "repeated_at": Now(),
            "resolved_at": None,
        },
    )
    doorbell.ring(NOTIFY_TASK, [alert.pk])


def notify(alert_id: int) -> None:
    """Tell the operators' chat, where there is one. Raises what failed, for the caller to try again."""
    alert = Alert.objects.filter(pk=alert_id, resolved_at=None).first()
    critical = alert is not None and alert.level == Alert.Level.CRITICAL
    chat = (critical and settings.TELEGRAM_CRITICAL_CHAT_ID) or settings.TELEGRAM_ALERT_CHAT_ID
    channel = Channel.objects.listening().filter(kind="telegram").exclude(token="").first()
    if alert and chat and channel:
        transport_of(channel).send(chat, f"{SIGNS[alert.level]} {alert.text}", plain=True)


def resolve_alert(name: str) -> bool:
    """True for the one, among all processes, that ended it."""
    if time.monotonic() < _resolved.get(name, 0.0):
        return False
    _resolved[name] = time.monotonic() + REMEMBER_S
    try:
        if not Alert.objects.filter(name=name, resolved_at=None).update(resolved_at=Now()):
            return False
    except DatabaseError as error:
        log.warning("alert stays open", extra={"alert": name, "error": type(error).__name__})
        return False
    log.info("alert over", extra={"alert": name})
    return True
