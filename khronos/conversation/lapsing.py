"""Questions for a yes that nobody answered in time: swept by beat, and the contact hears of it once.

A lapsed call becomes a round of the conversation's waiting turn, in the transaction that ends it. The turn
says so in our words, without a model: nobody has asked anything.
"""

from collections.abc import Sequence
from functools import partial

from django.db.models.functions import Now

from khronos.agents.context import language_of
from khronos.agents.tools import book, confirm
from khronos.agents.tools.toolbox import known_to
from khronos.alerts import raise_alert
from khronos.bus import doorbell
from khronos.bus.routes import TURN_TASK
from khronos.conversation.phrases import phrase
from khronos.models import Conversation, ToolCall, ToolRound, Turn
from khronos.models.commit import commit

MOST = 500  # calls a sweep


def sweep() -> int:
    """How many have lapsed now. By the database's clock."""
    late = ToolCall.objects.filter(state=ToolCall.State.ASKED, decision="", expires_at__lte=Now())
    lapsed = 0
    for call in late.select_related("turn__conversation").order_by("pk")[:MOST]:
        turn_id = commit(partial(lapse, call))
        if turn_id is None:
            continue
        lapsed += 1
        if call.confirmation == "operator":
            tell_operators(call)
        if turn_id:
            doorbell.ring(TURN_TASK, [turn_id])
    return lapsed


def lapse(call: ToolCall) -> int | None:
    """None when somebody was quicker; else the turn that shall tell of it, or 0."""
    open_ = ToolCall.objects.filter(pk=call.pk, state=ToolCall.State.ASKED, decision="")
    if not open_.filter(expires_at__lte=Now()).update(state=ToolCall.State.EXPIRED, ended_at=Now()):
        return None
    conversation = call.turn.conversation
    is_ours = conversation.handler == Conversation.Handler.BOT
    if not is_ours or conversation.state == Conversation.State.CLOSED:
        return 0  # a person has it, and sees it in the timeline
    turn = collecting(call)
    round_ = ToolRound.objects.create(turn=turn, number=turn.rounds.count())
    ToolCall.objects.filter(pk=call.pk).update(round=round_, position=0)
    return turn.pk


def collecting(call: ToolCall) -> Turn:
    """The lock keeps a worker from taking the turn before the round is in it."""
    which = {"conversation_id": call.turn.conversation_id, "state": Turn.State.WAITING}
    while True:
        Turn.objects.get_or_create(**which, defaults=call.turn.ids)
        if turn := Turn.objects.select_for_update().filter(**which).first():
            return turn


def tell_operators(call: ToolCall) -> None:
    text = f"Nobody approved or declined {call.tool} in time (call {call.pk}). It was not done."
    raise_alert(f"tool.{call.tool}.lapsed", "warning", text)


def lapsed_of(turn: Turn) -> Sequence[ToolCall]:
    """What this turn has to tell, where it has nothing else to go on with."""
    calls = [call for _, calls in book.rounds_of(turn) for call in calls]
    is_all = all(call.state == ToolCall.State.EXPIRED and not call.round.provider for call in calls)
    return calls if is_all else ()


def words(turn: Turn, calls: Sequence[ToolCall]) -> str:
    conversation = turn.conversation
    language = language_of(conversation)
    tools = known_to(conversation.tenant_id, [call.tool for call in calls])
    asked = [confirm.wish(call, tools.get(call.tool), language) for call in calls]
    return "\n".join(phrase("lapsed", language).format(wish=each) for each in asked)
