"""Not yet, and why: what a message waits for, until when, and what goes on then."""

from django.utils.translation import gettext as _

from khronos.bus.routes import DELIVERY_TASK, TURN_TASK, Route
from khronos.desk.calls import waits_for
from khronos.desk.lengths import ago, exact
from khronos.desk.why import around, calls, tries
from khronos.desk.why.causes import cause
from khronos.desk.why.life import Life
from khronos.desk.why.standing import paused
from khronos.desk.why.story import Verdict
from khronos.models import Delivery, ToolCall, Turn, Update
from khronos.models.pause import HELD_BY

WORKER = {TURN_TASK: "agent", DELIVERY_TASK: "worker"}  # who takes the rings, by its heartbeat


def not_yet(why: str) -> str:
    return _("Not answered yet. %(why)s") % {"why": why}


def not_shown(why: str) -> str:
    return _("The answer is written, but not shown yet. %(why)s") % {"why": why}


def update(life: Life, row: Update) -> Verdict:
    since = {"age": exact((life.now - row.received_at).total_seconds())}
    count = around.alive("dispatcher")
    if count:
        text = _("The dispatcher takes it up; it is here for %(age)s.")
        return Verdict("waiting", "dispatching", not_yet(text % since))
    if count is None:
        return Verdict("waiting", "no_valkey", not_yet(silence()))
    text = _("No dispatcher is alive; it is here for %(age)s, and is taken up when one starts.")
    return Verdict("waiting", "no_dispatcher", not_yet(text % since))


def absent(reason: str, route: Route) -> list[str]:
    """What else keeps it waiting, once its time has come."""
    if reason in ("no_agent", "no_worker", "no_valkey", "due", "working"):
        return []
    count = around.alive(WORKER[route])
    if count:
        return []
    return [silence() if count is None else missing(route)]


def missing(route: Route) -> str:
    if route is TURN_TASK:
        return _("No agent is alive; it is answered when one starts.")
    return _("No worker is alive; it is sent when one starts.")


def silence() -> str:
    return _("Valkey does not answer, so that nobody can be rung for: is Khronos running?")


def turn(life: Life, row: Turn) -> Verdict:
    reason, why = standing(life, row, TURN_TASK)
    also = [_("The contact was told to wait.")] if row.apologised else []
    also += calls.under_way(life) if reason == "working" else []
    return Verdict("waiting", reason, not_yet(why), [*also, *absent(reason, TURN_TASK)])


def confirmation(call: ToolCall) -> Verdict:
    """The question was shown, and is no answer."""
    reason = "operators_yes" if call.confirmation == "operator" else "contacts_yes"
    text = _("The tool %(tool)s %(waits)s.") % {"tool": call.tool, "waits": waits_for(call)}
    return Verdict("waiting", reason, not_yet(text))


def delivery(life: Life, row: Delivery, *, alone: bool) -> Verdict:
    reason, why = standing(life, row, DELIVERY_TASK)
    also = [] if alone else [_("It has several parts; this is of delivery %(id)s.") % {"id": row.pk}]
    return Verdict("waiting", reason, not_shown(why), [*also, *absent(reason, DELIVERY_TASK)])


def standing(life: Life, row: Turn | Delivery, route: Route) -> tuple[str, str]:
    """What has nothing to do with the row's own tries comes first."""
    due_at = row.due_at or life.now
    if row.state in (Turn.State.WORKING, Delivery.State.SENDING):
        return under_way(row, due_at > life.now)
    kinds = HELD_BY[route.queue]
    if pauses := [each for each in life.pauses if each.queue == route.queue or each.kind in kinds]:
        return "paused", paused(pauses[0])
    if life.ahead:
        return "order", first(life.ahead)
    return cause(row, due_at) if due_at > life.now else due(row, route)


def under_way(row: Turn | Delivery, is_leased: bool) -> tuple[str, str]:
    known = {"who": tries.seat(row.holder), "n": row.attempts}
    if is_leased:
        return "working", _("%(who)s is at it, try %(n)s.") % known
    return "lost", _("%(who)s died or froze over it, at try %(n)s; another takes it now.") % known


def first(ahead: Turn | Delivery) -> str:
    text = _("Turn %(id)s of this conversation comes first; it is %(age)s old.")
    if isinstance(ahead, Delivery):
        text = _("Delivery %(id)s of this conversation comes first; it is %(age)s old.")
    text %= {"id": ahead.pk, "age": ago(ahead.created_at)}
    return f"{text} ({ahead.reason})" if ahead.reason else text


def due(row: Turn | Delivery, route: Route) -> tuple[str, str]:
    count = around.alive(WORKER[route])
    if count:
        rung = _("It was rung for %(age)s ago.") % {"age": ago(row.rung_at)} if row.rung_at else ""
        return "due", " ".join(filter(None, [_("It is due, and waits for a free worker."), rung]))
    if count is None:
        return "no_valkey", silence()
    return "no_agent" if route is TURN_TASK else "no_worker", missing(route)
