"""What a turn is answered with: a phrase for a command, the word of a model for questions."""

from collections.abc import Sequence
from functools import partial

from khronos.agents.context import build, history, language_of
from khronos.agents.recall import recalled
from khronos.agents.think import think
from khronos.conversation.answer import Reply
from khronos.conversation.commands import COMMANDS, name_of, nothing
from khronos.conversation.holding import typing_shown
from khronos.conversation.patience import restrain, token_of, wake
from khronos.conversation.phrases import phrase
from khronos.models import Conversation, Message, Turn
from khronos.resilience import crashpoints

PLEASE_WRITE = ("voice",)


def replies_to(turn: Turn, messages: Sequence[Message]) -> list[Reply]:
    language = language_of(turn.conversation.contact)
    replies = [reply for message in messages if (reply := canned(turn, message, language))]
    questions = [message for message in messages if not canned_name(message)]
    if questions and turn.conversation.handler == Conversation.Handler.BOT:
        before = history(turn)
        restrain(turn, [*before, *questions])
        with typing_shown(turn):
            prompt = build(turn, questions, before)
            crashpoints.reached("turn.prompted")
            tenant = turn.conversation.channel.tenant
            ask = partial(think, prompt, tenant.providers, token=token_of(turn.pk), wake=wake)
            completion = recalled(prompt, tenant.providers, ask) if tenant.reuses_answers else ask()
            crashpoints.reached("turn.thought")
        replies.append(Reply(completion.text, completion))
    return replies


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
