"""Who answers a conversation: hand it off to people, claim it, release it to the bot, close it.

Each change is made only while the conversation is as its caller saw it: somebody who was quicker is not
undone, and the answer is False. The fact is stored with the change.
"""

import uuid
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Concat, Now

from khronos.bus import events
from khronos.conversation.wishes import is_for_the_bot
from khronos.models import Conversation, Event, Message, Queue, Turn
from khronos.observability.steps import Ids
from khronos.observability.tracing import made

HANDED = "handed to a person"
CLOSED = "the conversation was closed"

Handler, State = Conversation.Handler, Conversation.State
UNDONE = (Turn.State.WAITING, Turn.State.PARKED, Turn.State.WORKING)


def hand_off(
    conversation: Conversation,
    queue: Queue,
    by: str,
    trace_id: str = "",
    correlation_id: str | None = None,
    **told: Any,
) -> bool:
    """Let it wait for a person of this queue. A turn that is being worked on may still say its word."""
    with transaction.atomic():
        if not move(conversation, handler=Handler.QUEUE, queue_id=queue.pk, operator_id=None):
            return False
        hand_over(conversation, Turn.State.WAITING, Turn.State.PARKED)
        told |= {"by": by, "target": f"agent.queue.{queue.pk}"}
        tell(Event.Type.HANDOFF_REQUESTED, conversation, trace_id, correlation_id, **told)
    return True


def queue_of(conversation: Conversation) -> Queue | None:
    """Whose people are called: its own, or its tenant's first choice."""
    queues = Queue.objects.filter(tenant=conversation.tenant_id)
    return conversation.queue or queues.order_by("-is_default", "pk").first()


def call_past_parked(conversation: Conversation, ids: Ids) -> None:
    """Who calls a person need not wait until the model is back that a question before it waits for."""
    if conversation.is_with_people:
        return
    parked = Turn.objects.filter(conversation=conversation, state=Turn.State.PARKED)
    if parked.exists() and (queue := queue_of(conversation)):
        hand_off(conversation, queue, by="contact", **ids)


def keep(conversation: Conversation, by: str, trace_id: str, correlation_id: str | None, **told: Any) -> bool:
    """The bot shall answer what it has at hand."""
    with transaction.atomic():
        if not move(conversation, handler=Handler.BOT):
            return False
        told |= {"by": by, "target": "agent.ai"}
        tell(Event.Type.HANDOFF_REQUESTED, conversation, trace_id, correlation_id, **told)
    return True


def claim(conversation: Conversation, operator: AbstractBaseUser, trace_id: str = "") -> bool:
    """This operator answers from now on; the bot is silent, even in the middle of a thought."""
    if conversation.operator_id not in (None, operator.pk):
        return False
    with transaction.atomic():
        if not move(conversation, handler=Handler.HUMAN, operator_id=operator.pk):
            return False
        hand_over(conversation, *UNDONE)
        name = operator.get_username()
        tell(Event.Type.HANDOFF_ACCEPTED, conversation, trace_id, by=name, operator_id=operator.pk)
    return True


def take_over(conversation: Conversation, operator: AbstractBaseUser) -> bool:
    """From a colleague who has it and does not go on."""
    before = conversation.operator
    if before is None or before.pk == operator.pk:
        return False
    with transaction.atomic():
        if not move(conversation, handler=Handler.HUMAN, operator_id=operator.pk):
            return False
        told = {"by": operator.get_username(), "operator_id": operator.pk, "from": before.get_username()}
        tell(Event.Type.HANDOFF_ACCEPTED, conversation, "", **told)
    return True


def release(conversation: Conversation, by: str, trace_id: str = "") -> bool:
    """Give it to the bot, which answers what people left unanswered."""
    with transaction.atomic():
        if not move(conversation, handler=Handler.BOT, queue_id=None, operator_id=None):
            return False
        turn = collect(conversation)
        known: dict[str, Any] = {"turn_id": turn.pk} if turn else {}
        correlation_id = turn.correlation_id if turn and not trace_id else None
        trace_id = trace_id or (turn.trace_id if turn else "")
        known |= {"by": by, "target": "agent.ai"}
        tell(Event.Type.HANDOFF_REQUESTED, conversation, trace_id, correlation_id, **known)
    return True


def close(conversation: Conversation, by: str, trace_id: str = "") -> bool:
    """Nothing more is said, until the contact writes again: then it begins as the channel's routing says."""
    channel = conversation.channel
    with transaction.atomic():
        begun = {"handler": channel.routing, "queue_id": channel.queue_id, "operator_id": None}
        if conversation.state == State.CLOSED or not move(conversation, state=State.CLOSED, **begun):
            return False
        hush(conversation, CLOSED, *UNDONE)
        tell(Event.Type.CONVERSATION_CLOSED, conversation, trace_id, by=by)
    return True


def move(conversation: Conversation, *, state: str = State.OPEN, **changes: Any) -> bool:
    """One conditional UPDATE; nothing when it is there already, or no more where the caller saw it."""
    changes["state"] = state
    seen = {name: getattr(conversation, name) for name in ("state", "handler", "queue_id", "operator_id")}
    if seen == seen | changes:
        return False
    waits = state == State.OPEN and changes["handler"] == Handler.QUEUE
    since = Coalesce("handed_at", Now()) if waits else None
    acted = Now() if changes.get("operator_id") else None
    rows = Conversation.objects.filter(pk=conversation.pk, **seen)
    if not rows.update(handed_at=since, acted_at=acted, **changes):
        return False
    for name, value in changes.items():
        setattr(conversation, name, value)
    return True


def hand_over(conversation: Conversation, *states: Turn.State) -> None:
    """People answer what these turns would have answered; commands among it stay the bot's."""
    hushed = hush(conversation, HANDED, *states)
    said = Message.objects.filter(turn__in=hushed, author=Message.Author.CONTACT).select_related("turn")
    commands = [message for message in said.order_by("pk") if is_for_the_bot(message)]
    if commands and commands[0].turn:
        turn = collecting(conversation, commands[0].turn.ids)
        Message.objects.filter(pk__in=[each.pk for each in commands]).update(turn=turn)


def hush(conversation: Conversation, reason: str, *states: Turn.State) -> list[int]:
    """Settle turns that shall not be answered; the fence keeps out a worker that is at it."""
    found = Turn.objects.select_for_update().filter(conversation=conversation, state__in=states)
    turns = list(found.order_by("pk").values_list("pk", flat=True))
    Turn.objects.filter(pk__in=turns).update(
        state=Turn.State.SILENT, due_at=None, fence=F("fence") + 1, reason=reason
    )
    return turns


def collect(conversation: Conversation) -> Turn | None:
    """The turn that will answer what nobody has answered, or None when there is nothing."""
    left = unanswered(conversation)
    newest = left.select_related("update").defer("update__raw").order_by("-pk").first()
    if newest is None:
        return None
    turn = collecting(conversation, newest.update.ids if newest.update else made())
    left.update(turn=turn)
    return turn


def collecting(conversation: Conversation, ids: Ids) -> Turn:
    turn, _made = Turn.objects.get_or_create(
        conversation=conversation, state=Turn.State.WAITING, defaults=ids
    )
    return turn


def unanswered(conversation: Conversation) -> QuerySet[Message]:
    """What was said to us since the last answer and put before no bot.

    That it was said to us its routing event tells: what people of a group say to each other has none.
    """
    said = Message.objects.filter(conversation=conversation)
    answers = said.filter(author__in=[Message.Author.BOT, Message.Author.OPERATOR])
    last = answers.order_by("-pk").values_list("pk", flat=True).first() or 0
    key = Concat(Value("handoff:"), Cast(OuterRef("update_id"), CharField()))
    to_us = Exists(Event.objects.filter(idempotency_key=key))
    hushed = Q(turn__state=Turn.State.SILENT, turn__reason=HANDED)
    return said.filter(
        Q(to_us, turn=None) | hushed,
        author=Message.Author.CONTACT,
        pk__gt=last,
        pk__gte=conversation.remembers_from,
    )


def tell(
    type_: str, conversation: Conversation, trace_id: str, correlation_id: str | None = None, **payload: Any
) -> None:
    """The change before it happened once, so its fact is a new one each time."""
    fact = events.make(
        type_,
        key=f"{type_}:{uuid.uuid4().hex}",
        trace_id=trace_id or uuid.uuid4().hex,
        correlation_id=correlation_id,
        conversation=conversation,
        payload=payload,
    )
    events.record([fact])
