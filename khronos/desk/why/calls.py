"""What happened before the words of an answer: triage, rounds of tools and their calls."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from khronos.desk.calls import TONES, decision, waits_for, wording
from khronos.desk.lengths import exact
from khronos.desk.why.life import Life
from khronos.desk.why.story import Step
from khronos.models import ToolCall, ToolRound, Triage

State = ToolCall.State


def before_the_answer(life: Life) -> Iterator[Step]:
    if life.triage:
        yield triaged(life.triage)
    for row in life.rounds:
        yield round_of(life, row)
    for call in life.calls:
        yield from steps_of(life, call)


def triaged(row: Triage) -> Step:
    who = row.model or row.get_by_display()
    where = str(row.queue) if row.queue else _("the assistant")
    text = _("triage by %(who)s: to %(where)s") % {"who": who, "where": where}
    if row.intent:
        text += _("; the intent: %(intent)s") % {"intent": row.intent}
    if row.reason:
        text += _("; no model decided: %(why)s") % {"why": row.reason}
    return Step(row.created_at, "triage", text, row.thinking_ms / 1000, "info", ("turn", row.turn_id))


def round_of(life: Life, row: ToolRound) -> Step:
    names = [call.tool for call in life.calls if call.round_id == row.pk]
    told = {"model": row.model or row.provider, "time": exact(row.thinking_ms / 1000)}
    text = _("%(model)s thought for %(time)s and asked for tools: %(tools)s")
    text %= told | {"tools": ", ".join(names) or "–"}
    return Step(row.created_at, "round", text, row.thinking_ms / 1000, row=("turn", row.turn_id))


def steps_of(life: Life, call: ToolCall) -> Iterator[Step]:
    row, tone = ("toolcall", call.pk), TONES.get(call.state, "")
    if call.decision and call.decided_at:
        text = _("tool %(tool)s: %(what)s") % {"tool": call.tool, "what": decision(call)}
        yield Step(call.decided_at, "decided", text, tone="info", row=row)
    if call.ended_at:
        yield Step(call.ended_at, "tool", wording(call), call.duration_ms / 1000, tone, row)
    elif call.state in ToolCall.OPEN:
        since = call.started_at or call.created_at
        yield Step(life.now, "tool", wording(call), (life.now - since).total_seconds(), tone, row)
    else:
        yield Step(call.created_at, "tool", wording(call), 0.0, tone, row)


def unconfirmed(life: Life) -> ToolCall | None:
    """Of this turn's calls the one that still waits for somebody's yes."""
    return next(
        (call for call in life.calls if waits_for(call) and life.turn and call.turn_id == life.turn.pk), None
    )


def under_way(life: Life) -> list[str]:
    """Sentences on what a working turn is at."""
    running = [call for call in life.calls if call.state == State.RUNNING and call.started_at]
    text = _("The tool %(tool)s runs for %(time)s.")
    return [
        text % {"tool": call.tool, "time": exact((life.now - call.started_at).total_seconds())}
        for call in running
        if call.started_at
    ]
