"""Commands that people type: each an answer without a model, and for some a deed, done with its commit."""

from collections.abc import Callable
from copy import copy
from functools import partial
from uuid import UUID

from khronos.conversation import privacy, waiting
from khronos.conversation.answer import Reply
from khronos.conversation.handoff import hand_off, queue_of
from khronos.conversation.phrases import phrase
from khronos.models import Conversation, Message, Summary, Turn

type Command = Callable[[Turn, Message, str], Reply]  # in this language


def tell(name: str, turn: Turn, _message: Message, language: str) -> Reply:
    if turn.conversation.is_with_people:
        return waiting.what_can_be_done(turn.conversation, language)
    return Reply(phrase(name, language))


def call_person(turn: Turn, _message: Message, language: str) -> Reply:
    conversation = turn.conversation
    if conversation.is_with_people:
        words = waiting.standing(conversation, language)
        return Reply(words, buttons=waiting.way_back(conversation, language))
    queue = queue_of(conversation)
    if queue is None:
        return Reply(phrase("nobody", language))
    seen = copy(conversation)
    conversation.handler, conversation.queue = Conversation.Handler.QUEUE, queue

    def deed() -> None:
        """A transaction may be run again: each time with the conversation as it was seen."""
        hand_off(copy(seen), queue, by="contact", **turn.ids)

    return Reply(phrase("human", language), deed=deed, buttons=waiting.way_back(conversation, language))


def back_to_assistant(turn: Turn, _message: Message, language: str) -> Reply:
    conversation = turn.conversation
    if conversation.handler == Conversation.Handler.BOT:
        return Reply(phrase("assistant_here", language))
    if not waiting.has_way_back(conversation):
        return Reply(phrase("people_only", language))
    conversation.handler, conversation.queue = Conversation.Handler.BOT, None
    deed = partial(waiting.give_back, turn.conversation_id, turn.trace_id)
    return Reply(phrase("assistant", language), deed=deed)


def put_aside(turn: Turn, message: Message, language: str) -> Reply:
    conversation = turn.conversation
    if conversation.is_with_people:
        words = f"{waiting.standing(conversation, language)} {phrase('not_put_aside', language)}"
        return Reply(words, buttons=waiting.way_back(conversation, language))
    conversation.remembers_from = message.pk + 1
    return Reply(phrase("reset", language), deed=partial(forget_before, turn.conversation_id, message.pk + 1))


def forget_before(conversation: UUID, first: int) -> None:
    """What was said, and what was made of it."""
    Conversation.objects.filter(pk=conversation).update(remembers_from=first)
    Summary.objects.filter(conversation=conversation).delete()


COMMANDS: dict[str, Command] = {
    "start": partial(tell, "start"),
    "help": partial(tell, "help"),
    "human": call_person,
    "assistant": back_to_assistant,
    "assistente": back_to_assistant,
    "reset": put_aside,
    "privacy": privacy.tell,
    "forget": privacy.forget,
    "esquecer": privacy.forget,
}
