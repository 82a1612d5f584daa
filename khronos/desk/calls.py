"""Calls of tools in words: what became of one, and what it waits for."""

from django.utils.translation import gettext as _

from khronos.desk.lengths import until
from khronos.models import ToolCall

State = ToolCall.State
TONES: dict[str, str] = {
    State.ASKED: "warning",
    State.PENDING: "warning",
    State.RUNNING: "info",
    State.DONE: "success",
    State.FAILED: "warning",
    State.UNKNOWN: "danger",
    State.REFUSED: "danger",
}


def wording(call: ToolCall) -> str:
    """`tool cancel_order: waits for a yes of the contact, until in 9 min`."""
    known = {"tool": call.tool, "state": waits_for(call) or call.get_state_display()}
    text = _("tool %(tool)s: %(state)s") % known
    if call.was_remembered:
        text += _(" (remembered)")
    return f"{text}: {call.error}" if call.error else text


def waits_for(call: ToolCall) -> str:
    """Of a call that needs a yes; empty for all others."""
    if call.state != State.ASKED:
        return ""
    if call.decision:
        return _("decided, waits for the turn that brings it to the model")
    when = {"when": until(call.expires_at) if call.expires_at else "–"}
    if call.confirmation == "operator":
        return _("waits for an operator's yes, and lapses %(when)s") % when
    return _("waits for a yes of the contact, and lapses %(when)s") % when


def decision(call: ToolCall) -> str:
    who = call.decided_by or _("the contact")
    return (_("%(who)s said yes") if call.decision == "yes" else _("%(who)s said no")) % {"who": who}
