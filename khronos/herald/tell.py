"""Who is told what, and when: one alert a message, the rest of a crowded minute in one more.

An alert is claimed, told, marked behind its fence. Whoever dies in between is followed by another when the
lease ends: people may then read it twice, and never not at all.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from khronos.alerts import TELL_TASK, clock, means
from khronos.alerts.words import News, news_of, together
from khronos.bus import doorbell
from khronos.channels import transport_of
from khronos.channels.base import Button
from khronos.channels.telegram.transport import TelegramTransport
from khronos.exceptions import Failure, Transient
from khronos.guards.breakers import guarded
from khronos.guards.limits import heed
from khronos.herald import budget
from khronos.models import Alert, Channel
from khronos.models.alert_policy import LEVELS, URGENT
from khronos.resilience.backoff import doubled

log = logging.getLogger(__name__)

MOST = 500  # of one run
AGAIN_MIN_S, AGAIN_MAX_S = 30.0, 300.0
NOBODY_AGAIN_S = 600.0  # somebody may be named meanwhile


def tell_due() -> int:
    """All that is due, the worst first; answers how many people were told of."""
    due = list(Alert.objects.due(clock.moment()).order_by("tell_at").values_list("pk", "level")[:MOST])
    due.sort(key=lambda row: -LEVELS.index(row[1]))
    transport = telegram()
    told, rest, night = 0, list[Alert](), list[Alert]()
    for pk, _level in due:
        alert = Alert.objects.claim(pk, clock.moment())
        if alert is None or waits_for_morning(alert):
            continue
        if alert.waits == Alert.Waits.NIGHT and alert.level not in URGENT:
            night.append(alert)
            continue
        leave = budget.ask(transport, alert)
        if leave.granted:
            told += tell([alert], news_of(alert, alert.clock), transport)
        elif leave.is_spent:
            rest.append(alert)
        else:
            put_off(alert, leave.wait_s)
    return told + sum_up(night, transport, night=True) + sum_up(rest, transport, night=False)


def waits_for_morning(alert: Alert) -> bool:
    """What is not urgent waits for the end of the quiet hours."""
    if alert.level in URGENT or settings.ALERT_QUIET_HOURS is None:
        return False
    morning = settings.ALERT_QUIET_HOURS.morning_after(alert.clock.astimezone(settings.ALERT_TIMEZONE))
    if morning is None:
        return False
    alert.put_off(morning, Alert.Waits.NIGHT, "", tried=False)
    return True


def put_off(alert: Alert, wait_s: float) -> None:
    alert.put_off(clock.moment() + timedelta(seconds=wait_s), Alert.Waits.LIMIT, "", tried=False)
    doorbell.bells.once(partial(doorbell.call, TELL_TASK, "ops"), after_s=wait_s)


def sum_up(alerts: Sequence[Alert], transport: TelegramTransport | None, *, night: bool) -> int:
    if not alerts:
        return 0
    leave = budget.ask_for_summary(transport, max((alert.worst for alert in alerts), key=LEVELS.index))
    if leave.granted:
        return tell(alerts, together(alerts, night=night), transport)
    for alert in alerts:
        waits = Alert.Waits.NIGHT if night else Alert.Waits.LIMIT
        alert.put_off(clock.moment() + timedelta(seconds=leave.wait_s), waits, "", tried=False)
    return 0


def tell(alerts: Sequence[Alert], news: News, transport: TelegramTransport | None) -> int:
    """One message of one or many; answers how many were marked as told."""
    try:
        told_by = show(news, transport, buttons_of(alerts[0]) if len(alerts) == 1 else ())
    except Failure as error:
        for alert in alerts:
            try_later(alert, error)
        return 0
    log.info("alert told", extra={"alert": news.name, "by": told_by, "alerts": len(alerts)})
    return sum(alert.settle(told_by, clock.moment()) for alert in alerts)


def show(news: News, transport: TelegramTransport | None, buttons: Sequence[Button] = ()) -> str:
    """Answers by what it was told. Raises what kept it from being told by anything."""
    try:
        by_telegram(news, transport, buttons)
    except Failure as trouble:
        log.warning("alert not told by Telegram", extra={"alert": news.name, "error": str(trouble)})
        try:
            return means.by_fallback(news)
        except means.Nobody:
            raise trouble from None
        except Failure as more:
            raise Transient(f"Telegram: {trouble}; {more}", trouble.retry_after) from None
    return "Telegram"


def by_telegram(news: News, transport: TelegramTransport | None, buttons: Sequence[Button]) -> None:
    if not means.chat_of(news.level):
        raise means.Nobody("no chat is configured: set TELEGRAM_ALERT_CHAT_ID")
    if transport is None:
        raise means.Nobody("there is no Telegram channel with a token: set TELEGRAM_BOT_TOKEN")
    try:
        with guarded(transport.guard):
            means.by_telegram(transport, news, buttons)
    except Failure as error:
        heed(transport.budget, error)
        raise


def channel() -> Channel | None:
    """The one whose bot speaks in the alert chats: that of the environment, else the oldest."""
    found = Channel.objects.bots()
    return found.filter(slug="default").first() or found.order_by("pk").first()


def telegram() -> TelegramTransport | None:
    ours = channel()
    transport = transport_of(ours) if ours else None
    return transport if isinstance(transport, TelegramTransport) else None


def try_later(alert: Alert, error: Failure) -> None:
    if isinstance(error, means.Nobody):
        until = None if alert.resolved_at else clock.moment() + timedelta(seconds=NOBODY_AGAIN_S)
        alert.put_off(until, Alert.Waits.NOBODY, str(error), tried=False)
        return
    wait_s = error.retry_after or doubled(AGAIN_MIN_S, alert.tries - 1, AGAIN_MAX_S)
    until = clock.moment() + timedelta(seconds=min(wait_s, AGAIN_MAX_S))
    alert.put_off(until, Alert.Waits.FAILURE, str(error), tried=True)


def buttons_of(alert: Alert) -> list[Button]:
    """What may be pressed below its message (khronos/herald/presses.py)."""
    if alert.resolved_at is not None:
        return []
    with translation.override(settings.ALERT_LANGUAGE):
        if alert.is_muted(alert.clock):
            return [Button(_("🔔 Unmute"), f"alert:unmute:{alert.pk}")]
        return [
            Button(_("🔇 1 h"), f"alert:1h:{alert.pk}"),
            Button(_("🔇 8 h"), f"alert:8h:{alert.pk}"),
            Button(_("🔇 until it is over"), f"alert:over:{alert.pk}"),
        ]
