"""How a conversation stands, in plain words: who answers, what waits, and what it waits for."""

from dataclasses import dataclass

from django.db.models import Count, Min
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from khronos.desk.calls import wording
from khronos.desk.lengths import ago, until
from khronos.models import Conversation, Delivery, Pause, ToolCall, Turn, Update


@dataclass(frozen=True, slots=True)
class Reason:
    tone: str
    text: str


def reasons(conversation: Conversation) -> list[Reason]:
    undone = [*undispatched(conversation), *turns(conversation), *deliveries(conversation)]
    undone += yeses(conversation)
    standing = [*pauses(conversation), *handler(conversation)]
    return [*standing, *undone] or [Reason("success", _("Nothing waits here."))]


def pauses(conversation: Conversation) -> list[Reason]:
    """Whatever holds this conversation back, a whole queue too."""
    found = Pause.objects.over(conversation).known().order_by("paused_at")
    return [Reason("warning", paused(pause)) for pause in found]


def paused(pause: Pause) -> str:
    text = {
        "queue": _("Paused for %(age)s by %(by)s: the queue “%(name)s”."),
        "tenant": _("Paused for %(age)s by %(by)s: the tenant “%(name)s”."),
        "channel": _("Paused for %(age)s by %(by)s: the channel “%(name)s”."),
        "conversation": _("Paused for %(age)s by %(by)s: this conversation."),
    }[pause.kind]
    return text % {"age": ago(pause.paused_at), "by": pause.by, "name": pause.subject}


def handler(conversation: Conversation) -> list[Reason]:
    if conversation.state == Conversation.State.CLOSED:
        return [Reason("", _("The conversation is closed; it opens again when the contact writes."))]
    if conversation.handler == Conversation.Handler.QUEUE:
        queue = conversation.queue or _("no queue")
        return [Reason("warning", _("Waits for a person in “%(queue)s”.") % {"queue": queue})]
    if conversation.handler == Conversation.Handler.HUMAN:
        who = conversation.operator or _("A person")
        return [Reason("info", _("%(operator)s answers; the assistant is silent.") % {"operator": who})]
    return []


def undispatched(conversation: Conversation) -> list[Reason]:
    rows = Update.objects.waiting().filter(conversation_id=conversation.pk)
    found = rows.aggregate(count=Count("pk"), oldest=Min("received_at"))
    if not found["count"]:
        return []
    text = ngettext(
        "One update is not yet taken up by the dispatcher, for %(age)s.",
        "%(n)s updates are not yet taken up by the dispatcher, the oldest for %(age)s.",
        found["count"],
    )
    return [Reason("warning", text % {"n": found["count"], "age": ago(found["oldest"])})]


def turns(conversation: Conversation) -> list[Reason]:
    """Those to be done, and the last one if it was given up: nobody answered what it asked."""
    undone = [waits(turn) for turn in conversation.turns.unsettled().order_by("pk")]
    last = conversation.turns.order_by("-pk").first()
    if last and last.state == Turn.State.BURIED:
        text = _("Turn %(id)s was given up: %(why)s")
        undone.append(Reason("danger", text % {"id": last.pk, "why": last.reason or "–"}))
    return undone


def yeses(conversation: Conversation) -> list[Reason]:
    """What cannot be done before somebody says yes."""
    asked = ToolCall.objects.filter(turn__conversation=conversation, state=ToolCall.State.ASKED)
    return [Reason("warning", wording(call)) for call in asked.order_by("pk")[:10]]


def waits(turn: Turn) -> Reason:
    tone, text = "warning", _("Turn %(id)s waits for %(age)s; due %(due)s")
    if turn.state == Turn.State.WORKING:
        tone, text = "info", _("Turn %(id)s is being answered for %(age)s, try %(tries)s; lease %(due)s")
    elif turn.state == Turn.State.PARKED:
        text = _("Turn %(id)s is parked for %(age)s; due %(due)s")
    return Reason(tone, told(text, turn, tries=turn.attempts))


def deliveries(conversation: Conversation) -> list[Reason]:
    """Only the first can be sent; the others wait for it. And the last one if it has failed."""
    undone = list(conversation.deliveries.unsettled().order_by("pk")[:2])
    found = []
    if undone:
        text = _("Delivery %(id)s is on its way for %(age)s; due %(due)s")
        found.append(Reason("warning", told(text, undone[0])))
    if len(undone) > 1:
        found.append(Reason("", _("More deliveries wait behind it: order is kept.")))
    last = conversation.deliveries.order_by("-pk").first()
    if last and last.state == Delivery.State.FAILED:
        text = _("Delivery %(id)s failed: %(why)s")
        found.append(Reason("danger", text % {"id": last.pk, "why": last.reason or "–"}))
    return found


def told(text: str, work: Turn | Delivery, **known: object) -> str:
    known |= {"id": work.pk, "age": ago(work.created_at), "due": until(work.due_at) if work.due_at else "–"}
    text %= known
    return f"{text}: {work.reason}" if work.reason else f"{text}."
