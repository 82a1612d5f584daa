"""What happened to a message, step by step: from its arrival to the answer (docs/timeline.md)."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from khronos.desk.lengths import exact
from khronos.desk.why import calls, parts, people, tries
from khronos.desk.why.life import Life
from khronos.desk.why.story import Step
from khronos.models import Event, Message, Turn, Update

ORDER = ("received", "edited", "quarantined", "dispatched", "turn", "waited", "try", "thought", "answered")


def steps(life: Life) -> list[Step]:
    """In the order of time; what happened at one moment in the order of its kind."""
    found = [
        *arrival(life),
        *turn_of(life),
        *tries.of_turn(life),
        *calls.before_the_answer(life),
        *written(life),
        *parts.deliveries(life),
        *people.handoffs(life),
        *people.letters(life),
        *people.deeds(life),
    ]
    found.sort(key=lambda step: (step.at, rank(step)))
    return found


def rank(step: Step) -> int:
    return ORDER.index(step.kind) if step.kind in ORDER else len(ORDER)


def arrival(life: Life) -> Iterator[Step]:
    update, message = life.update, life.message
    if update:
        yield Step(update.received_at, "received", received(life, update), row=("update", update.pk))
        if update.state == Update.State.QUARANTINED:
            text = _("put into quarantine: %(why)s") % {"why": update.reason or "–"}
            yield Step(update.received_at, "quarantined", text, tone="danger", row=("update", update.pk))
    elif event := next(iter(life.told(Event.Type.MESSAGE_RECEIVED)), None):
        text = _("received and stored (its bytes were forgotten since)")
        yield Step(event.timestamp, "received", text, row=("event", event.pk))
    if message and message.author == Message.Author.CONTACT:
        yield Step(
            message.created_at,
            "dispatched",
            _("dispatched to %(target)s") % {"target": target_of(life)},
            took_s=max((message.created_at - life.began).total_seconds(), 0.0),
            row=("message", message.pk),
        )
        if message.edited_at:
            yield Step(message.edited_at, "edited", _("edited by the contact"), row=("message", message.pk))


def received(life: Life, update: Update) -> str:
    text = _("received from %(channel)s and stored, key %(key)s")
    text %= {"channel": update.channel, "key": update.key}
    if life.repeats:
        text += ngettext(
            "; it came again %(n)s time, and was stored once",
            "; it came again %(n)s times, and was stored once",
            life.repeats,
        ) % {"n": life.repeats}
    return text


def target_of(life: Life) -> str:
    """As its routing event says. Talk among people in a group has none."""
    update = life.update
    for event in life.told(Event.Type.HANDOFF_REQUESTED):
        if update and event.payload.get("update_id") == update.pk:
            return str(event.payload.get("target"))
    return "agent.ai" if life.turn else _("nobody")


def turn_of(life: Life) -> Iterator[Step]:
    turn, message = life.turn, life.message
    if turn is None:
        return
    row = ("turn", turn.pk)
    is_first = not life.questions or message is None or message.pk == life.questions[0].pk
    text = _("opened turn %(id)s") if is_first else _("joined turn %(id)s")
    at = message.created_at if message and not is_first else turn.created_at
    others = [each.pk for each in life.questions if message is None or each.pk != message.pk]
    text %= {"id": turn.pk}
    if others:
        text += _(", answered together with %(messages)s") % {"messages": listed(others)}
    yield Step(at, "turn", text, row=row)
    if turn.amended and turn.due_at:
        yield Step(life.now, "edited", _("edited while it was being answered: it is read again"), row=row)


def listed(numbers: list[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:5])
    more = f" … (+{len(numbers) - 5})" if len(numbers) > 5 else ""
    what = ngettext("message %(list)s", "messages %(list)s", len(numbers)) % {"list": shown}
    return what + more


def written(life: Life) -> Iterator[Step]:
    turn = life.turn
    if turn is None:
        for said in life.said:
            yield Step(said.created_at, "written", people.wrote(said), row=("message", said.pk))
        return
    if turn.state == Turn.State.ANSWERED and turn.answered_at:
        if turn.provider:
            yield thought(turn, turn.answered_at)
            text = _("answer written")
        else:
            text = _("answer written by Khronos itself: no model was asked")
        yield Step(turn.answered_at, "answered", text, tone="success", row=("turn", turn.pk))
    elif turn.state == Turn.State.SILENT:
        at = turn.answered_at or last_known(life)
        text = _("settled without an answer: %(why)s") % {"why": turn.reason or _("there was nothing to say")}
        yield Step(at, "settled", text, row=("turn", turn.pk))
    for said in life.said:
        if said.author == Message.Author.SYSTEM:
            text = _("the contact was told: “%(text)s”") % {"text": said.text[:80]}
            yield Step(said.created_at, "told", text, tone="info", row=("message", said.pk))


def thought(turn: Turn, at: datetime) -> Step:
    text = _("%(model)s thought for %(time)s; %(in)s tokens in, %(out)s out") % {
        "model": ", ".join(dict.fromkeys(name for name in (turn.provider, turn.model) if name)),
        "time": exact(turn.thinking_ms / 1000),
        "in": turn.input_tokens,
        "out": turn.output_tokens,
    }
    return Step(at, "thought", text, took_s=turn.thinking_ms / 1000, row=("turn", turn.pk))


def last_known(life: Life) -> datetime:
    return max([event.timestamp for event in life.events] or [life.began])
