"""Buttons below alerts: a press mutes. Believed only from the alert chats, and by their own bot."""

import logging
from contextlib import suppress

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from khronos.alerts import clock
from khronos.alerts.words import muting, news_of
from khronos.channels import account_of, kind_of
from khronos.channels.base import Happening, Incoming
from khronos.exceptions import Permanent
from khronos.herald.tell import buttons_of, channel, telegram
from khronos.models import Alert, Channel, Update
from khronos.models.alert import AlertQuerySet

log = logging.getLogger(__name__)

PREFIX = "alert:"
HOURS = {"1h": 1, "8h": 8}


def is_ours(source: Channel, incoming: Incoming) -> bool:
    """Anybody can send any data from a chat of his own: that changes nothing here."""
    if incoming.happening is not Happening.BUTTON or not incoming.text.startswith(PREFIX):
        return False
    chats = {settings.TELEGRAM_ALERT_CHAT_ID, settings.TELEGRAM_CRITICAL_CHAT_ID} - {""}
    if chats.isdisjoint({incoming.chat_id, incoming.chat_id.partition(":")[0]}):
        return False
    ours = channel()
    return ours is not None and ours.pk == source.pk


def obey(incoming: Incoming) -> bool:
    """In the transaction of whoever dispatches. False where nothing was to be changed."""
    deed, _colon, pk = incoming.text.removeprefix(PREFIX).partition(":")
    who = incoming.sender.name or incoming.sender.username or incoming.sender.id if incoming.sender else "?"
    if not pk.isdecimal() or len(pk) > 18:
        return False
    if deed == "unmute":
        return Alert.objects.unmute(int(pk), clock.moment())
    if deed == "over" or deed in HOURS:
        return Alert.objects.mute(int(pk), HOURS.get(deed), who, clock.moment())
    return False


def answer(update_id: int) -> None:
    """Tell who pressed what came of it, and show it below the alert for the others."""
    update = Update.objects.select_related("channel").get(pk=update_id)
    incoming = kind_of(update.channel.kind).parse(bytes(update.raw), account_of(update.channel))
    transport, alert = telegram(), pressed(incoming)
    if transport is None:
        return
    with suppress(Permanent):  # pressed too long ago
        transport.answer_button(incoming.callback_id, outcome(alert))
    if alert is None or alert.count == 0:
        return
    news = news_of(alert, alert.clock)
    with suppress(Permanent):  # shown already, or gone
        transport.edit(
            incoming.chat_id, incoming.message_id, news.text, plain=True, buttons=buttons_of(alert)
        )


def pressed(incoming: Incoming) -> Alert | None:
    pk = incoming.text.rpartition(":")[2]
    if not pk.isdecimal() or len(pk) > 18:
        return None
    rows: AlertQuerySet = Alert.objects.with_clock(clock.moment())
    return rows.filter(pk=int(pk)).first()


def outcome(alert: Alert | None) -> str:
    with translation.override(settings.ALERT_LANGUAGE):
        if alert is None:
            return _("There is no such alert any more.")
        if alert.resolved_at is not None:
            return _("It is over already.")
        return muting(alert) if alert.is_muted(alert.clock) else _("Not muted any more.")
