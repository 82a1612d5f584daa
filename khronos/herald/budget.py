"""How much the herald may say: limits of its own, so that alerts and answers never starve each other."""

from dataclasses import dataclass

from django.conf import settings

from khronos.alerts.means import chat_of
from khronos.channels.telegram.budgets import claims_of_chat
from khronos.channels.telegram.transport import TelegramTransport, place
from khronos.exceptions import Failure
from khronos.guards.limits import limiter
from khronos.models import Alert
from khronos.resilience.limits import Claim, Window

ALERTS, SUMMARIES = "alerts:minute", "alerts:summaries"
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Leave:
    granted: bool
    wait_s: float = 0.0
    is_spent: bool = False  # what the minute allows; else only this chat's last message was too near


def ask(transport: TelegramTransport | None, alert: Alert) -> Leave:
    """The bot's own budget is left alone: what the herald may say in a minute answers hardly notice."""
    claims = [Claim(ALERTS, Window(most, MINUTE_S))] if (most := settings.ALERTS_PER_MINUTE) else []
    verdict = limiter().ask(f"alert:{alert.pk}", [*claims, *claims_of(transport, chat_of(alert.worst))])
    return Leave(verdict.granted, verdict.wait_s, verdict.blocked_by == ALERTS)


def ask_for_summary(transport: TelegramTransport | None, level: str) -> Leave:
    claims = [Claim(SUMMARIES, Window(1, MINUTE_S)), *claims_of(transport, chat_of(level))]
    verdict = limiter().ask("alerts:summary", claims)
    return Leave(verdict.granted, verdict.wait_s)


def claims_of(transport: TelegramTransport | None, chat: str) -> list[Claim]:
    if transport is None or not chat:
        return []
    try:
        alone = str(place(chat)["chat_id"])
    except Failure:
        return []
    return claims_of_chat(transport.api.bot, alone, "group" if alone.startswith("-") else "private")
