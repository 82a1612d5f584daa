"""How often Telegram lets a bot speak: to one chat, to a group, to all together."""

from django.conf import settings

from khronos.resilience.limits import Claim, Spacing, Window


def claims_of_chat(bot: str, chat: str, chat_type: str) -> list[Claim]:
    name, wanted = f"telegram:chat:{bot}:{chat}", []
    if apart_ms := settings.TELEGRAM_CHAT_SPACING_MS:
        wanted.append(Claim(name, Spacing(apart_ms)))
    if chat_type != "private" and (a_minute := settings.TELEGRAM_GROUP_PER_MINUTE):
        wanted.append(Claim(f"{name}:minute", Window(a_minute, 60.0)))
    return wanted


def claims_of_bot(bot: str) -> list[Claim]:
    name, wanted, most = f"telegram:bot:{bot}", [], settings.MOST_WAITING
    if apart_ms := settings.TELEGRAM_SPACING_MS:
        wanted.append(Claim(name, Spacing(apart_ms), shared=True, most_waiting=most))
    a_second = settings.TELEGRAM_PER_SECOND
    if a_second and apart_ms * a_second < 1000:  # else the distance alone keeps it
        wanted.append(Claim(f"{name}:second", Window(a_second, 1.0), shared=True, most_waiting=most))
    return wanted
