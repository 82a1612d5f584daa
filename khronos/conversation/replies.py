"""What a turn is answered with: a phrase for a command, the word of a model for questions."""

from collections.abc import Sequence
from copy import copy
from functools import partial

from khronos.agents import loop
from khronos.agents.context import build, history, language_of
from khronos.agents.recall import recalled
from khronos.agents.think import think
from khronos.agents.tools.confirm import adopt
from khronos.agents.tools.toolbox import granted
from khronos.conversation.answer import Reply
from khronos.conversation.commands import COMMANDS, name_of, nothing
from khronos.conversation.handoff import hand_off
from khronos.conversation.holding import typing_shown
from khronos.conversation.patience import restrain, token_of, wake
from khronos.conversation.phrases import phrase
from khronos.models import Conversation, Message, Queue, Turn
from khronos.resilience import crashpoints

PLEASE_WRITE = ("voice",)


def replies_to(turn: Turn, messages: Sequence[Message]) -> list[Reply]:
    language = language_of(turn.conversation.contact)
    replies = [reply for message in messages if (reply := canned(turn, message, language))]
    questions = [message for message in messages if not canned_name(message)]
    if turn.conversation.handler != Conversation.Handler.BOT:
        return replies
    box = granted(turn.conversation)
    has_begun = bool(box) and adopt(turn, questions)
    if questions or has_begun:
        before = history(turn)
        if questions:
            restrain(turn, [*before, *questions])
        with typing_shown(turn):
            prompt = build(turn, questions, before)
            crashpoints.reached("turn.prompted")
            tenant = turn.conversation.channel.tenant
            ask = partial(think, order=tenant.providers, token=token_of(turn.pk), wake=wake)
            if box:
                replies.append(tooled(loop.answer(turn, prompt, box, ask, partial(call_in, turn))))
            else:
                recalls = tenant.reuses_answers
                said = recalled(prompt, tenant.providers, partial(ask, prompt)) if recalls else ask(prompt)
                replies.append(Reply(said.text, said))
            crashpoints.reached("turn.thought")
    return replies


def tooled(answered: loop.Answered) -> Reply:
    def deed() -> None:
        for each in answered.deeds:
            each()

    return Reply(answered.completion.text, answered.completion, deed, answered.buttons)


def call_in(turn: Turn, queue: Queue) -> None:
    """A transaction may be run again: each time with the conversation as it was seen."""
    hand_off(copy(turn.conversation), queue, by="assistant", trace_id=turn.trace_id)


def canned_name(message: Message) -> str:
    """The phrase that answers this message without thought; empty for a question."""
    if command := name_of(message):
        return command if command in COMMANDS else "unknown"
    return message.content if message.content in PLEASE_WRITE and not message.text else ""


def canned(turn: Turn, message: Message, language: str) -> Reply | None:
    name = canned_name(message)
    if not name:
        return None
    command = COMMANDS.get(name)
    words, deed = command(turn, message) if command else (name, nothing)
    return Reply(phrase(words, language), deed=deed)
