"""What a turn leaves behind: the answer's rows, in one transaction, behind the turn's fence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from khronos.agents.citing import Sources
from khronos.agents.providers.base import Completion
from khronos.bus import events, notes
from khronos.conversation.handoff import HANDED
from khronos.delivery.outbox import enqueue
from khronos.exceptions import LostLease
from khronos.models import Conversation, Delivery, Event, Message, Turn
from khronos.models.prepared import NOW, insert
from khronos.resilience import crashpoints
from khronos.usage import ledger

type Deed = Callable[[], object]
type Buttons = Sequence[tuple[str, str]]  # what each says, and what it sends


def nothing() -> None:
    """Most replies are words alone."""


@dataclass(frozen=True, slots=True)
class Reply:
    text: str
    completion: Completion | None = None
    deed: Deed = nothing  # done with the answer's commit; where it answers False, nothing is said
    buttons: Buttons = ()
    sources: Sources | None = None
    leaves_open: bool = False  # said by Khronos: what people were asked before it is not answered by it

    @property
    def author(self) -> Message.Author:
        return Message.Author.SYSTEM if self.leaves_open else Message.Author.BOT


def store(
    turn: Turn, replies: Sequence[Reply], *, even_if_amended: bool, notice: Reply | None = None
) -> list[Delivery] | None:
    """The deliveries to make, or None when a question was edited meanwhile and must be read again.

    With a `notice` the turn's own question was left to people.
    """
    completion = next((reply.completion for reply in replies if reply.completion), None)
    state = Turn.State.ANSWERED if replies else Turn.State.SILENT
    unless = {} if even_if_amended else {"amended": False}
    reason = HANDED if notice else ""
    if not turn.settled(unless, state=state, reason=reason, answered_at=NOW, **figures(completion)):
        if turn.fenced().update(amended=False):
            return None
        return stored_before(turn)
    ledger.write(turn.paid)
    said = [reply for reply in replies if reply.deed() is not False]
    said += [notice] if notice else []
    deliveries = [
        delivery
        for reply in said
        for delivery in utter(turn, reply.author, reply.text, reply.buttons, reply.sources)
    ]
    if completion is not None:
        events.record([generated(turn, completion)])
    crashpoints.reached("answer.written")
    return deliveries


def stored_before(turn: Turn) -> list[Delivery]:
    """Settled behind our own fence: it was committed, and the database went away before it could say so."""
    if not Turn.objects.filter(pk=turn.pk, fence=turn.fence, due_at=None).exists():
        raise LostLease(f"turn {turn.pk}")
    made = Delivery.objects.unsettled().filter(message__turn=turn, message__author=Message.Author.BOT)
    made.filter(state=Delivery.State.SENDING, fence=1).update(due_at=Now() + settings.DELIVERY_LEASE)
    return list(made.filter(fence__lte=1).order_by("pk"))  # what has another fence is somebody else's


def figures(completion: Completion | None) -> dict[str, object]:
    if completion is None:
        return {}
    return {
        "provider": completion.provider,
        "model": completion.model,
        "input_tokens": completion.input_tokens,
        "output_tokens": completion.output_tokens,
        "thinking_ms": completion.duration_ms,
    }


def generated(turn: Turn, completion: Completion) -> Event:
    return events.make(
        Event.Type.RESPONSE_GENERATED,
        key=f"generated:{turn.pk}",
        **turn.ids,
        conversation=turn.conversation,
        payload={
            "turn_id": turn.pk,
            "agent": turn.conversation.agent.slug,
            "stop_reason": completion.stop_reason,
        }
        | figures(completion)
        | turn.effort,
    )


def put_off(turn: Turn, after: timedelta, reason: str, words: str, *, was_try: bool) -> list[Delivery]:
    give_back = turn.defer if was_try else turn.postpone
    give_back(Turn.State.PARKED, after, reason, apologised=turn.apologised or bool(words))
    ledger.write(turn.paid)
    notes.put_off(turn, after, reason)
    if not words:
        return []
    spoken = turn.conversation.language  # what the bot says before it has answered is in that language, too
    Conversation.objects.filter(pk=turn.conversation_id).exclude(language=spoken).update(language=spoken)
    return utter(turn, Message.Author.SYSTEM, words)


def give_up(turn: Turn, reason: str, words: str) -> list[Delivery]:
    turn.settle(Turn.State.BURIED, reason)
    ledger.write(turn.paid)
    notes.buried(turn, reason)
    return utter(turn, Message.Author.SYSTEM, words)


def utter(
    turn: Turn, author: Message.Author, text: str, buttons: Buttons = (), sources: Sources | None = None
) -> list[Delivery]:
    media = {"buttons": [list(each) for each in buttons]} if buttons else {}
    said = Message(conversation=turn.conversation, turn=turn, author=author, text=text, media=media)
    said.sources = sources
    message = insert(said)
    return enqueue(turn.conversation, message, turn.ids)
