"""Telegram's side: the bot's name, and the webhook, set and watched when there is a public address."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from khronos.alerts import raise_alert, resolve_alert
from khronos.channels.telegram.api import BotApi
from khronos.exceptions import Unauthorized
from khronos.models import Channel

log = logging.getLogger(__name__)

RECENT = timedelta(minutes=15)
MAX_CONNECTIONS = 40


def address(channel: Channel) -> str:
    return f"{settings.PUBLIC_URL}/webhooks/telegram/{channel.slug}/"


def watch(channel: Channel) -> None:
    """With a public address: set the webhook where it differs, tell when Telegram cannot reach us."""
    api, name = BotApi(channel.token), f"webhook.{channel.slug}"
    try:
        introduce(channel, api)
        info = api.get_webhook_info()
    except Unauthorized as error:
        raise_alert(f"channel.{channel.slug}.unauthorized", "error", f"{channel} refuses our token: {error}")
        return
    if not settings.PUBLIC_URL:
        return
    if info.get("url") != address(channel):
        api.set_webhook(address(channel), channel.secret, settings.TELEGRAM_ALLOWED_UPDATES, MAX_CONNECTIONS)
        log.info("webhook set", extra={"channel": channel.slug, "address": address(channel)})
        return
    if trouble := recent_trouble(info):
        raise_alert(name, "error", f"Telegram cannot deliver to {address(channel)}: {trouble}")
    else:
        resolve_alert(name)


def introduce(channel: Channel, api: BotApi) -> None:
    """In groups the bot must know the name that it is called by."""
    username = str(api.get_me().get("username") or "")[:100]
    if username and username != channel.username:
        Channel.objects.filter(pk=channel.pk).update(username=username)


def recent_trouble(info: dict[str, Any]) -> str:
    at = info.get("last_error_date")
    if not isinstance(at, int) or datetime.now(UTC) - datetime.fromtimestamp(at, UTC) > RECENT:
        return ""
    return f"{info.get('last_error_message', 'unknown')} ({info.get('pending_update_count', 0)} wait)"
