"""A test alert: by every means, at once, and what came of each in plain words."""

from dataclasses import dataclass

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _n

from khronos.alerts import means
from khronos.alerts.words import SIGNS, News
from khronos.exceptions import Blocked, Failure, Permanent, Unauthorized
from khronos.herald.tell import by_telegram, telegram

FIX = {
    "Telegram": _n("set TELEGRAM_BOT_TOKEN and TELEGRAM_ALERT_CHAT_ID in .env, and start again"),
    "webhook": _n("set ALERT_WEBHOOK_URL"),
    "e-mail": _n("set EMAIL_URL and ALERT_EMAIL_TO"),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    means: str
    is_told: bool
    said: str
    is_off: bool = False  # nobody wanted it

    def __str__(self) -> str:
        sign = "✅" if self.is_told else "➖" if self.is_off else "❌"
        return f"{sign} {self.means}: {self.said}"


def try_all(level: str) -> list[Outcome]:
    """Fallbacks too, although Telegram may do: a test is to find out before the trouble does."""
    news = greeting(level)
    return [try_telegram(news), *(try_fallback(name, news) for name in means.fallbacks())]


def greeting(level: str) -> News:
    with translation.override(settings.ALERT_LANGUAGE):
        title = _("This is a test of the alerts")
        return News("test", level, title, f"{SIGNS[level]} {title}\n" + _("Nothing is amiss."))


def try_telegram(news: News) -> Outcome:
    try:
        by_telegram(news, telegram(), ())
    except means.Nobody as nobody:
        return unwanted("Telegram", nobody)
    except Failure as error:
        return Outcome("Telegram", False, f"{error}. {_('Fix')}: {fix_of(error)}.")
    return Outcome("Telegram", True, _("told the chat %(chat)s.") % {"chat": means.chat_of(news.level)})


def unwanted(name: str, nobody: means.Nobody) -> Outcome:
    fix = translation.gettext(FIX[name]) if name in FIX else nobody
    said = _("is not configured. To have it: %(fix)s.") % {"fix": fix}
    return Outcome(name, False, said, is_off=True)


def fix_of(error: Failure) -> str:
    if isinstance(error, Unauthorized):
        return _("correct TELEGRAM_BOT_TOKEN")
    if isinstance(error, Blocked):
        return _("let the bot into the chat again")
    if isinstance(error, Permanent):
        return _("write to the bot from that chat once, and correct TELEGRAM_ALERT_CHAT_ID")
    return _("try again in a minute; `python manage.py doctor` looks further")


def try_fallback(name: str, news: News) -> Outcome:
    try:
        means.fallback(name)(news)
    except means.Nobody as nobody:
        return unwanted(name, nobody)
    except Failure as error:
        return Outcome(name, False, f"{error}.")
    return Outcome(name, True, _("told."))
