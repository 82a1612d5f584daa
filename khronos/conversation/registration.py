"""Telegram's side: the bot's name, and the webhook, set and watched when there is a public address."""

import logging
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings

from khronos.alerts import raise_alert, resolve_alert
from khronos.channels.telegram.api import BotApi
from khronos.conversation.phrases import MENU
from khronos.conversation.sweep import hurry
from khronos.delivery.policy import token_refused, wrong_token
from khronos.exceptions import Failure, Misconfigured, Unauthorized
from khronos.models import Channel
from khronos.observability.said import Said as _

log = logging.getLogger(__name__)

RECENT = timedelta(minutes=15)
MAX_CONNECTIONS = 40
WAITING_MOST = 100  # updates that Telegram keeps for us; more than a rush leaves behind
REFUSED = "webhook: 403"  # as Telegram words it: "Wrong response from the webhook: 403 Forbidden"


def address(channel: Channel) -> str:
    return f"{settings.PUBLIC_URL}/webhooks/telegram/{channel.slug}/"


def trouble_with(channel: Channel) -> str:
    """What Telegram says amiss of it now; nothing is changed. Raises what the Bot API raises."""
    info = BotApi(channel.token).get_webhook_info()
    wanted = address(channel) if settings.PUBLIC_URL else ""
    if info.get("url", "") != wanted:
        return f"the webhook is {info.get('url') or 'not set'}, and should be {wanted or 'none'}"
    waiting = info.get("pending_update_count", 0) if settings.PUBLIC_URL else 0
    return recent_trouble(info) or (f"{waiting} updates wait" if waiting > WAITING_MOST else "")


def watch_all() -> None:
    """Every channel, whatever becomes of the others. A failure is an alert; a bug is raised at the end."""
    bugs: list[Exception] = []
    for channel in Channel.objects.bots():
        name = f"channel.{channel.slug}.unwatched"
        try:
            watch(channel)
            resolve_alert(name)
        except (Failure, Misconfigured) as error:
            said = _("%(channel)s cannot be looked after: %(why)s")
            raise_alert(name, "error", said % {"channel": channel, "why": error})
        except Exception as error:
            bugs.append(error)
    if bugs:
        raise bugs[0]


def watch(channel: Channel) -> None:
    """With a public address: set the webhook where it differs, tell when Telegram cannot reach us."""
    api, name = BotApi(channel.token), wrong_token(channel)
    try:
        introduce(channel, api)
        info = api.get_webhook_info()
    except Unauthorized as error:
        raise_alert(name, "error", token_refused(channel, error))
        return
    if resolve_alert(name):
        hurry(name)
    if settings.PUBLIC_URL:
        watch_webhook(channel, api, info)


def watch_webhook(channel: Channel, api: BotApi, info: dict[str, Any]) -> None:
    if info.get("url") != address(channel) or channel.registered != fingerprint(channel):
        register(channel, api)
        return  # what went wrong before says nothing of this one
    trouble, name = recent_trouble(info), f"webhook.{channel.slug}"
    if REFUSED in trouble:
        register(channel, api)  # our own 403: Telegram has another secret, whatever we told it last
    if trouble:
        facts = {"address": address(channel), "why": trouble}
        raise_alert(name, "error", _("Telegram cannot deliver to %(address)s: %(why)s") % facts)
    else:
        resolve_alert(name)


def register(channel: Channel, api: BotApi) -> None:
    api.set_webhook(address(channel), channel.secret, settings.TELEGRAM_ALLOWED_UPDATES, MAX_CONNECTIONS)
    Channel.objects.filter(pk=channel.pk).update(registered=fingerprint(channel))
    log.info("webhook set", extra={"channel": channel.slug, "address": address(channel)})


def fingerprint(channel: Channel) -> str:
    """Of all that Telegram is told. It shows the address of a webhook, and never its secret."""
    told = [address(channel), channel.secret, settings.TELEGRAM_ALLOWED_UPDATES, MAX_CONNECTIONS]
    return sha256(repr(told).encode()).hexdigest()[:16]


def introduce(channel: Channel, api: BotApi) -> None:
    """In groups the bot must know the name that it is called by."""
    username = str(api.get_me().get("username") or "")[:100]
    if username and username != channel.username:
        offer_menu(api)
        Channel.objects.filter(pk=channel.pk).update(username=username)


def offer_menu(api: BotApi) -> None:
    """The commands behind "/", unless somebody chose others: nothing is worse without them."""
    try:
        if not api.get_my_commands():
            api.set_my_commands(MENU["pt"], "pt")
            api.set_my_commands(MENU["en"])
    except Failure as error:
        log.info("no menu of commands", extra={"error": str(error)})


def recent_trouble(info: dict[str, Any]) -> str:
    at = info.get("last_error_date")
    if not isinstance(at, int) or datetime.now(UTC) - datetime.fromtimestamp(at, UTC) > RECENT:
        return ""
    return f"{info.get('last_error_message', 'unknown')} ({info.get('pending_update_count', 0)} wait)"
