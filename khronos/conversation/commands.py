"""Commands that people type: each an answer without a model, and for some a deed, done with its commit."""

from collections.abc import Callable
from copy import copy
from functools import partial
from uuid import UUID

from khronos.conversation import privacy
from khronos.conversation.answer import Reply
from khronos.conversation.handoff import hand_off
from khronos.conversation.phrases import phrase
from khronos.models import Conversation, Message, Queue, Summary, Turn

type Command = Callable[[Turn, Message, str], Reply]  # in this language


def call_person(turn: Turn, _message: Message, language: str) -> Reply:
    conversation = turn.conversation
    queues = Queue.objects.filter(tenant=conversation.tenant_id)
    queue = conversation.queue or queues.order_by("-is_default", "pk").first()
    if queue is None:
        return Reply(phrase("nobody", language))
    seen = copy(conversation)
    conversation.handler, conversation.queue = Conversation.Handler.QUEUE, queue

    def deed() -> None:
        """A transaction may be run again: each time with the conversation as it was seen."""
        hand_off(copy(seen), queue, by="contact", **turn.ids)

    return Reply(phrase("human", language), deed=deed)


def put_aside(turn: Turn, message: Message, language: str) -> Reply:
    turn.conversation.remembers_from = message.pk + 1
    return Reply(phrase("reset", language), deed=partial(forget_before, turn.conversation_id, message.pk + 1))


def forget_before(conversation: UUID, first: int) -> None:
    """What was said, and what was made of it."""
    Conversation.objects.filter(pk=conversation).update(remembers_from=first)
    Summary.objects.filter(conversation=conversation).delete()


COMMANDS: dict[str, Command | None] = {
    "start": None,
    "help": None,
    "human": call_person,
    "reset": put_aside,
    "privacy": privacy.tell,
    "forget": privacy.forget,
    "esquecer": privacy.forget,
}


def name_of(message: Message) -> str:
    """`/help@our_bot now` -> `help`; empty where the message is no command."""
    if message.content != "text":
        return ""
    if not message.text.startswith("/"):
        return "forget" if privacy.FORGET.fullmatch(message.text.strip()) else ""
    return message.text[1:].split(maxsplit=1)[0].split("@")[0].lower() if message.text[1:].strip() else ""
