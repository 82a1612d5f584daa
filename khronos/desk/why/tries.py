"""The tries of a turn or a delivery: who took it, how long it was at it, what came of it, what it waited for.

A try that failed left a note, the one that succeeded an event. Both say how long they took; what lies
between them was waiting.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from khronos.desk.lengths import exact, words
from khronos.desk.why.life import Life
from khronos.desk.why.story import Step
from khronos.models import Delivery, Event, Note, Turn

BRIEF_S = 0.0005  # no wait that anybody would see


@dataclass(frozen=True, slots=True)
class Try:
    """One claim that came to an end."""

    ended: datetime
    facts: dict[str, Any]
    is_last: bool  # no other follows it

    @property
    def took_s(self) -> float:
        return float(self.facts.get("took_ms") or 0) / 1000

    @property
    def began(self) -> datetime:
        return self.ended - timedelta(seconds=self.took_s)

    @property
    def reason(self) -> str:
        return str(self.facts.get("reason") or "")

    @property
    def who(self) -> str:
        return seat(str(self.facts.get("holder") or ""))


def seat(holder: str) -> str:
    """`machine:agent-2:0f9…/8a…` -> `agent-2`; fingerprints tell nobody anything."""
    name, _slash, _number = holder.partition("/")
    parts = name.split(":")
    return parts[1] if len(parts) == 3 else name or "–"


def of_turn(life: Life) -> Iterator[Step]:
    turn = life.turn
    if turn is None:
        return
    ends = (Event.Type.RESPONSE_GENERATED, Note.TURN_BURIED)
    found = collect(life, turn, "turn_id", Note.TURN_PUT_OFF, ends)
    joined = max(turn.created_at, life.message.created_at) if life.message else turn.created_at
    yield from told(found, joined, ("turn", turn.pk))
    if turn.state == Turn.State.WORKING:
        yield working(life, turn)
    elif turn.due_at:
        yield waiting(life, found[-1].ended if found else joined, ("turn", turn.pk))


def of_delivery(life: Life, part: Delivery) -> Iterator[Step]:
    """All but the one that its present state tells of."""
    found = of_part(life, part)
    last = found[-1] if found and not part.due_at else None
    if found == [last]:
        return  # the one and only
    yield from told(found, part.created_at, ("delivery", part.pk), but=last)
    if part.due_at and part.state != Delivery.State.SENDING:
        yield waiting(life, found[-1].ended if found else part.created_at, ("delivery", part.pk))


def of_part(life: Life, part: Delivery) -> list[Try]:
    ends = (Event.Type.MESSAGE_SENT, Event.Type.MESSAGE_FAILED)
    return collect(life, part, "delivery_id", Note.DELIVERY_PUT_OFF, ends)


def collect(life: Life, work: Turn | Delivery, name: str, put_off: str, ends: Sequence[str]) -> list[Try]:
    events = [each for each in life.told(put_off, *ends) if each.payload.get(name) == work.pk]
    return [Try(each.timestamp, each.payload, each.type in ends) for each in events]


def told(
    found: Sequence[Try], since: datetime, row: tuple[str, int], *, but: Try | None = None
) -> Iterator[Step]:
    """The tries and the waits before them; `but` one that somebody else tells of."""
    waited_for = ""
    for each in found:
        waited_s = (each.began - since).total_seconds()
        if waited_s > BRIEF_S:
            yield Step(each.began, "waited", waited(waited_s, waited_for), took_s=waited_s, row=row)
        tone = "danger" if each.is_last and each.reason else "" if each.is_last else "warning"
        if each is not but:
            yield Step(each.ended, "try", outcome(each), each.took_s, tone, row)
        since, waited_for = each.ended, each.reason


def waited(seconds: float, reason: str) -> str:
    if reason:
        return _("waited %(time)s after that failure") % {"time": exact(seconds)}
    return _("waited %(time)s for a worker") % {"time": exact(seconds)}


def outcome(each: Try) -> str:
    known = {"n": each.facts.get("try"), "who": each.who, "why": each.reason}
    if "after_s" in each.facts:
        text = _("try %(n)s by %(who)s: put off for %(time)s: %(why)s")
        text %= known | {"time": words(float(each.facts["after_s"]))}
    elif each.reason:
        text = _("try %(n)s by %(who)s: given up: %(why)s") % known
    else:
        text = _("try %(n)s by %(who)s") % known
    if lost := int(each.facts.get("lost") or 0):
        text += ngettext(
            "; before it %(n)s worker died or froze over it",
            "; before it %(n)s workers died or froze over it",
            lost,
        ) % {"n": lost}
    return text


def working(life: Life, turn: Turn) -> Step:
    text = _("try %(n)s by %(who)s is under way") % {"n": turn.attempts, "who": seat(turn.holder)}
    return Step(life.now, "try", text, tone="info", row=("turn", turn.pk))


def waiting(life: Life, since: datetime, row: tuple[str, int]) -> Step:
    waits_s = (life.now - since).total_seconds()
    text = _("waits until now, for %(time)s") % {"time": exact(waits_s)}
    return Step(life.now, "waiting", text, took_s=waits_s, tone="warning", row=row)
