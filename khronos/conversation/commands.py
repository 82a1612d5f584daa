"""Commands that people type: each a phrase and, for some, a deed."""

from collections.abc import Callable

from khronos.conversation.handoff import hand_off
from khronos.models import Conversation, Message, Queue, Turn

type Deed = Callable[[Turn, Message], str]  # answers the phrase to say


def call_person(turn: Turn, _message: Message) -> str:
    conversation = turn.conversation
    queues = Queue.objects.filter(tenant=conversation.tenant_id)
    queue = conversation.queue or queues.order_by("-is_default", "pk").first()
    if queue is None:
        return "nobody"
    hand_off(conversation, queue, by="contact", trace_id=turn.trace_id)
    return "human"


def put_aside(turn: Turn, message: Message) -> str:
    Conversation.objects.filter(pk=turn.conversation_id).update(remembers_from=message.pk + 1)
    return "reset"


COMMANDS: dict[str, Deed | None] = {
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
