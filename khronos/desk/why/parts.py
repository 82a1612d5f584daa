"""The parts of an answer on their way out."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _

from khronos.desk.lengths import exact
from khronos.desk.why import tries
from khronos.desk.why.life import Life
from khronos.desk.why.story import Step
from khronos.models import Delivery, Event


def deliveries(life: Life) -> Iterator[Step]:
    for part in life.deliveries:
        yield from tries.of_delivery(life, part)
        yield from end_of(life, part)


def name_of(life: Life, part: Delivery) -> str:
    """`delivery 12`, or `delivery 12 (part 2 of 3)`."""
    name = _("delivery %(id)s") % {"id": part.pk}
    count = sum(each.message_id == part.message_id for each in life.deliveries)
    return name if count == 1 else name + _(" (part %(n)s of %(m)s)") % {"n": part.part + 1, "m": count}


def end_of(life: Life, part: Delivery) -> Iterator[Step]:
    name, row = name_of(life, part), ("delivery", part.pk)
    if part.state == Delivery.State.SENT and part.sent_at:
        after = {"time": exact(max((part.sent_at - part.created_at).total_seconds(), 0.0))}
        text = _("%(part)s was shown after %(time)s") % {"part": name, **after} + remarks(life, part)
        yield Step(part.sent_at, "sent", text, last_try_s(life, part, part.sent_at), "success", row)
    elif part.state == Delivery.State.FAILED:
        at = failed_at(life, part)
        text = _("%(part)s could not be sent: %(why)s") % {"part": name, "why": part.reason or "–"}
        yield Step(at, "failed", text + remarks(life, part), last_try_s(life, part, at), "danger", row)
    elif part.state == Delivery.State.SENDING:
        text = _("%(part)s is being sent by %(who)s, try %(n)s")
        text %= {"part": name, "who": tries.seat(part.holder), "n": part.attempts}
        yield Step(life.now, "sending", text + remarks(life, part), tone="info", row=row)


def remarks(life: Life, part: Delivery) -> str:
    """What was odd about it."""
    told = fact_of(life, part)
    found = []
    if part.attempts > 1:
        found.append(_("%(n)s tries") % {"n": part.attempts})
    if part.state == Delivery.State.SENT and (reason := told.get("waited_for")):
        found.append(str(reason))
    if part.doubtful:
        found.append(_("may have been shown twice: an earlier try may have arrived"))
    if part.plain:
        found.append(_("without markup, which was refused"))
    return f" ({'; '.join(found)})" if found else ""


def last_try_s(life: Life, part: Delivery, ended: datetime) -> float:
    """The first begins with the row itself."""
    if len(tries.of_part(life, part)) <= 1:
        return max((ended - part.created_at).total_seconds(), 0.0)
    took_ms = fact_of(life, part).get("took_ms")
    return took_ms / 1000 if isinstance(took_ms, int) else 0.0


def fact_of(life: Life, part: Delivery) -> dict[str, object]:
    events = life.told(Event.Type.MESSAGE_SENT, Event.Type.MESSAGE_FAILED)
    found = [each.payload for each in events if each.payload.get("delivery_id") == part.pk]
    return found[-1] if found else {}


def failed_at(life: Life, part: Delivery) -> datetime:
    events = [e for e in life.told(Event.Type.MESSAGE_FAILED) if e.payload.get("delivery_id") == part.pk]
    return events[-1].timestamp if events else part.created_at
