"""What people had to do with a message: handoffs, what an operator wrote or repaired, dead letters."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from khronos.desk.why.life import Life
from khronos.desk.why.story import Step
from khronos.models import Event, Message


def wrote(said: Message) -> str:
    who = said.operator or said.sender_name or said.get_author_display()
    return _("written by %(who)s") % {"who": who}


def handoffs(life: Life) -> Iterator[Step]:
    """The dispatcher's own routing is told with the arrival."""
    for event in life.told(Event.Type.HANDOFF_REQUESTED):
        if by := event.payload.get("by"):
            text = _("handed to %(target)s by %(by)s") % {"target": event.payload.get("target"), "by": by}
            if intent := event.payload.get("intent"):
                text += f" ({intent})"
            yield Step(event.timestamp, "handoff", text, tone="info", row=("event", event.pk))
    for event in life.told(Event.Type.HANDOFF_ACCEPTED):
        text = _("taken over by %(by)s") % {"by": event.payload.get("by")}
        yield Step(event.timestamp, "claimed", text, tone="info", row=("event", event.pk))
    for event in life.told(Event.Type.CONVERSATION_CLOSED):
        text = _("conversation closed by %(by)s") % {"by": event.payload.get("by")}
        yield Step(event.timestamp, "closed", text, row=("event", event.pk))


def letters(life: Life) -> Iterator[Step]:
    for letter in life.letters:
        row = ("deadletter", letter.pk)
        text = _("kept as dead letter %(id)s: %(why)s") % {"id": letter.pk, "why": letter.reason[:200]}
        yield Step(letter.created_at, "buried", text, tone="danger", row=row)
        if letter.replayed_at:
            yield Step(letter.replayed_at, "replayed", _("replayed"), tone="info", row=row)


def deeds(life: Life) -> Iterator[Step]:
    for entry in life.deeds:
        text = _("%(who)s: %(what)s") % {"who": entry.user, "what": entry.get_change_message()}
        yield Step(entry.action_time, "operator", text, tone="info")
