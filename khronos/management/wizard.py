"""The questions of `manage.py setup`: each answer is checked at once, and what is there may be kept."""

from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from khronos.channels.telegram.api import BotApi
from khronos.exceptions import Failure, Unauthorized

REMOVE = "-"

type Say = Callable[[str], None]
type Ask = Callable[[str], str]


class Unfit(Exception):
    """What is wrong with an answer."""


class Question(NamedTuple):
    name: str
    words: str
    check: Callable[[str], str]  # what is to be said of a good one


def bot(token: str) -> str:
    a_word(token)
    try:
        return _("It is the bot @%(name)s.") % {"name": BotApi(token).get_me().get("username", "?")}
    except Unauthorized:
        raise Unfit(_("Telegram does not know this token. Copy it once more from @BotFather.")) from None
    except Failure as error:
        return _("Taken unseen: Telegram cannot be asked (%(why)s).") % {"why": error}


def address(url: str) -> str:
    a_word(url)
    try:
        parts = urlsplit(url)
        is_good = parts.scheme == "https" and bool(parts.hostname) and not (parts.query or parts.fragment)
    except ValueError:
        is_good = False
    if not is_good:
        raise Unfit(_("It must begin with https:// and name a host; Telegram sends to no other."))
    return _("Telegram will send messages there.")


def a_word(text: str) -> str:
    if not (text.isascii() and text.isprintable()) or any(sign in text for sign in " #\"'"):
        raise Unfit(_("It holds signs that do not belong there. Copy it once more."))
    return _("Taken.")


QUESTIONS = (
    Question("TELEGRAM_BOT_TOKEN", gettext_noop("Token of your Telegram bot, from @BotFather"), bot),
    Question("PUBLIC_URL", gettext_noop("Public https address; without one messages are fetched"), address),
    Question("ANTHROPIC_API_KEY", gettext_noop("Key of Anthropic"), a_word),
    Question("OPENAI_API_KEY", gettext_noop("Key of OpenAI"), a_word),
)


def answers(before: Mapping[str, str], ask: Ask, say: Say) -> dict[str, str]:
    return {each.name: answer(each, before.get(each.name, ""), ask, say) for each in QUESTIONS}


def answer(question: Question, before: str, ask: Ask, say: Say) -> str:
    """Asked again until it is good, kept or left out."""
    hint = _("Enter keeps it, - removes it") if before else _("Enter leaves it out")
    while True:
        given = ask(f"{translation.gettext(question.words)} ({hint}): ").strip()
        if given in ("", REMOVE):
            return "" if given else before
        try:
            say(f"✅ {question.check(given)}")
        except Unfit as unfit:
            say(f"❌ {unfit}")
        else:
            return given
