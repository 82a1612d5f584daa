"""Commands that people type: each a phrase and, for some, a deed, which is done with the answer's commit."""

from collections.abc import Callable
from copy import copy
from functools import partial

from khronos.conversation.handoff import hand_off
from khronos.models import Conversation, Message, Queue, Turn

type Deed = Callable[[], object]
type Command = Callable[[Turn, Message], tuple[str, Deed]]  # the phrase to say, and what is to be done


def nothing() -> None:
    """Some commands are words alone."""


def call_person(turn: Turn, _message: Message) -> tuple[str, Deed]:
    conversation = turn.conversation
    queues = Queue.objects.filter(tenant=conversation.tenant_id)
    queue = conversation.queue or queues.order_by("-is_default", "pk").first()
    if queue is None:
        return "nobody", nothing
    seen = copy(conversation)
    conversation.handler, conversation.queue = Conversation.Handler.QUEUE, queue
    # A transaction may be run again: each time with the conversation as it was seen.
    return "human", lambda: hand_off(copy(seen), queue, by="contact", trace_id=turn.trace_id)


def put_aside(turn: Turn, message: Message) -> tuple[str, Deed]:
    turn.conversation.remembers_from = message.pk + 1
    rows = Conversation.objects.filter(pk=turn.conversation_id)
    return "reset", partial(rows.update, remembers_from=turn.conversation.remembers_from)


COMMANDS: dict[str, Command | None] = {
    "start": None,
    "help": None,
    "human": call_person,
    "reset": put_aside,
    "privacy": None,
}


def name_of(message: Message) -> str:
    """`/help@our_bot now` -> `help`; empty where the message is no command."""
    if message.content != "text" or not message.text.startswith("/"):
        return ""
    return message.text[1:].split(maxsplit=1)[0].split("@")[0].lower() if message.text[1:].strip() else ""
