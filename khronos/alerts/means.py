"""The means by which people are told: Telegram, and where that is the trouble a webhook and e-mail.

Each raises a Failure of khronos/exceptions.py and nothing else. None of them needs the database.
"""

import logging
from collections.abc import Callable, Sequence

from django.conf import settings
from django.utils.module_loading import import_string

from khronos import extensions
from khronos.alerts.words import News
from khronos.channels.base import Button
from khronos.channels.telegram.transport import TelegramTransport
from khronos.exceptions import Failure, Migrated, Permanent, Transient

log = logging.getLogger(__name__)

# Dotted paths: light processes need not load what these use.
FALLBACKS = {
    "webhook": "khronos.alerts.fallbacks.by_webhook",
    "e-mail": "khronos.alerts.fallbacks.by_email",
}


class Nobody(Permanent):
    """Nobody is named to be told by this means."""


def chat_of(level: str) -> str:
    chat: str = settings.TELEGRAM_ALERT_CHAT_ID
    return (level == "critical" and settings.TELEGRAM_CRITICAL_CHAT_ID) or chat


def by_telegram(transport: TelegramTransport, news: News, buttons: Sequence[Button] = ()) -> None:
    chat = chat_of(news.level)
    try:
        transport.send(chat, news.text, plain=True, buttons=buttons)
    except Migrated as moved:
        transport.send(moved.new_chat_id, news.text, plain=True, buttons=buttons)


def by_fallback(news: News) -> str:
    """By all that is configured; answers by which it was told. Raises when it was by none."""
    told, troubles = [], []
    for name in fallbacks():
        try:
            fallback(name)(news)
            told.append(name)
        except Nobody:
            continue
        except Failure as error:
            troubles.append(f"{name}: {error}")
        except Exception as error:  # one that is broken must not silence the others
            log.exception("a means to tell people is broken", extra={"means": name})
            troubles.append(f"{name}: {type(error).__name__}: {error}")
    if told:
        return " + ".join(told)
    if troubles:
        raise Transient("; ".join(troubles))
    raise Nobody("neither ALERT_WEBHOOK_URL nor ALERT_EMAIL_TO is set")


def fallbacks() -> list[str]:
    return [*FALLBACKS, *extensions.names("alerts")]


def fallback(name: str) -> Callable[[News], None]:
    tell: Callable[[News], None]
    if name in FALLBACKS:
        tell = import_string(FALLBACKS[name])
    else:
        tell = extensions.named("alerts", name, "tell", "def tell(news: News) -> None (docs/extending.md).")
    return tell
