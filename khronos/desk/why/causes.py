"""What the last try of a row came to, told by its reason, and when the next one is."""

import re
from collections.abc import Callable
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from khronos.conversation.holding import ELSEWHERE, NO_LOCK, STOPPED
from khronos.conversation.patience import FLOOD
from khronos.delivery.pacing import WAITS_FOR
from khronos.desk.lengths import ago_s, until
from khronos.desk.why import around
from khronos.desk.why.story import clause
from khronos.guards.breakers import LEFT_ALONE
from khronos.guards.limits import AS_OFTEN
from khronos.models import Delivery, Turn
from khronos.usage.budget import SPENT

type Tell = Callable[[str], str]

ALONE = re.compile(r"(\S+) " + LEFT_ALONE)


def cause(row: Turn | Delivery, due_at: datetime) -> tuple[str, str]:
    """Of a row that is put off. A name for programs, and sentences."""
    name, tell = next(((name, tell) for words, name, tell in CAUSES if re.search(words, row.reason)), AWAY)
    if isinstance(row, Delivery) and row.doubtful and name == "away":
        name, tell = "doubtful", doubtful
    text = tell(clause(row.reason))
    return name, f"{text} " + _("The next try is %(when)s.") % {"when": until(max(due_at, timezone.now()))}


def breaker(reason: str) -> str:
    name = found[1] if (found := ALONE.search(reason)) else "–"
    shown = around.opened(name)
    if shown is None or shown.opened_at is None:
        return _("The breaker of %(name)s kept it from asking.") % {"name": name}
    text = _("The breaker of %(name)s is open for %(age)s: it failed too often, and is left alone.")
    return text % {"name": name, "age": ago_s(shown.opened_at)}


def limit(reason: str) -> str:
    return _("A limit of ours is reached: %(why)s.") % {"why": reason.removeprefix(WAITS_FOR)}


def throttled(reason: str) -> str:
    return _("The other side says that we ask too often: %(why)s.") % {"why": reason}


def flood(reason: str) -> str:
    return _("The contact wrote more than is answered in a minute.")


def operator(reason: str) -> str:
    return _("An operator must act, on a key, a right or a payment: %(why)s.") % {"why": reason}


def budget(reason: str) -> str:
    return _("The month's budget for models is used up, it goes on with the next one: %(why)s.") % {
        "why": reason
    }


def lock(reason: str) -> str:
    return _("Another worker held the conversation.")


def valkey(reason: str) -> str:
    return _("Valkey did not answer, and keeps the conversation's lock.")


def restart(reason: str) -> str:
    return _("Its worker was stopped, and gave it back.")


def doubtful(reason: str) -> str:
    text = _("It may have been shown, and is sent once more, marked as a possible repeat: %(why)s.")
    return text % {"why": reason}


def away(reason: str) -> str:
    return _("The last try failed: %(why)s.") % {"why": reason}


# The first that fits counts. Several models may have failed, each in its own way.
CAUSES: list[tuple[str, str, Tell]] = [
    (re.escape(FLOOD), "flood", flood),
    (re.escape(SPENT), "budget", budget),
    (re.escape(AS_OFTEN), "limit", limit),
    (f"^{re.escape(WAITS_FOR)}", "limit", limit),
    (r"\b429\b", "throttled", throttled),
    (LEFT_ALONE, "breaker", breaker),
    (r"\b40[1234]\b", "operator", operator),
    (re.escape(ELSEWHERE), "lock", lock),
    (re.escape(NO_LOCK), "no_valkey", valkey),
    (re.escape(STOPPED), "restart", restart),
]
AWAY: tuple[str, Tell] = ("away", away)
