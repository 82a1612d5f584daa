"""Triage by rules: whoever asks for a person or names a queue's subject goes there, all else to the bot."""

import re
from collections.abc import Sequence

from khronos.conversation.handoff import hand_off
from khronos.models import Conversation, Message, Queue, Turn

PERSON = re.compile(
    r"\b(human|person|operator|agent|attendant|humano|pessoa|atendente|operador[a]?)\b", re.IGNORECASE
)


def route(turn: Turn, messages: Sequence[Message]) -> None:
    """Decide who answers this conversation from now on. Twice is as once."""
    conversation = turn.conversation
    queue = queue_for(" ".join(message.text for message in messages), conversation.tenant_id)
    if queue is not None:
        hand_off(conversation, queue, by="triage", trace_id=turn.trace_id)
    else:
        Conversation.objects.filter(pk=conversation.pk, handler=Conversation.Handler.TRIAGE).update(
            handler=Conversation.Handler.BOT
        )
    conversation.refresh_from_db(fields=["handler", "queue"])


def queue_for(text: str, tenant_id: int) -> Queue | None:
    queues = list(Queue.objects.filter(tenant=tenant_id).order_by("-is_default", "pk"))
    words = set(re.findall(r"\w+", text.casefold()))
    for queue in queues:
        if words & {str(keyword).casefold() for keyword in queue.keywords}:
            return queue
    return queues[0] if queues and PERSON.search(text) else None
