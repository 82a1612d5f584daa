"""What a turn is answered with: a phrase for a command, the word of a model for questions."""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import partial

from khronos.agents import loop
from khronos.agents.afterthoughts import keep_in_mind
from khronos.agents.citing import cite
from khronos.agents.context import build, language_of
from khronos.agents.language import language_heard
from khronos.agents.providers.base import Prompt
from khronos.agents.recall import recalled
from khronos.agents.think import think
from khronos.agents.tools.confirm import adopt, is_settled
from khronos.agents.tools.toolbox import Toolbox, granted
from khronos.agents.window import history
from khronos.conversation import lapsing, waiting
from khronos.conversation.answer import Deed, Reply
from khronos.conversation.apologies import apologies, is_question, once_each
from khronos.conversation.commands import COMMANDS
from khronos.conversation.handoff import hand_off
from khronos.conversation.holding import typing_shown
from khronos.conversation.patience import restrain, token_of, wake
from khronos.conversation.phrases import phrase
from khronos.conversation.wishes import name_of
from khronos.media.attending import attend
from khronos.media.showing import has_files, shown
from khronos.models import Attachment, Conversation, Message, Queue, Turn
from khronos.resilience import crashpoints


def replies_to(turn: Turn, messages: Sequence[Message]) -> list[Reply]:
    conversation = turn.conversation
    files = looked_into(turn, messages)
    language_so_far = listen(conversation, [each for each in messages if not canned_name(turn, each)])
    language = language_of(conversation)
    sorry = apologies(files, language)
    replies = [reply for message in messages if (reply := canned(turn, message, language))]
    replies += [Reply(words) for words in once_each(sorry)]
    questions = [each for each in messages if not canned_name(turn, each) and is_question(each, sorry)]
    if conversation.handler != Conversation.Handler.BOT:
        return replies or waiting.reminder(turn)
    if not questions and (calls := lapsing.lapsed_of(turn)):
        return [*replies, Reply(lapsing.words(turn, calls))]
    box = granted(conversation)
    has_begun = bool(box) and adopt(turn, questions)
    if questions or has_begun:
        before = history(turn)
        if questions:
            restrain(turn, [*before, *questions])
        with typing_shown(turn):
            prompt = build(turn, questions, before, shown(questions, before))
            crashpoints.reached("turn.prompted")
            afterwards = partial(keep_in_mind, conversation, before, language_so_far)
            replies.append(thought(turn, prompt, box, afterwards))
            crashpoints.reached("turn.thought")
    return replies


def looked_into(turn: Turn, messages: Sequence[Message]) -> Sequence[Attachment]:
    """What was attached, fetched and understood as far as it can be; what was spoken is words from now on."""
    if turn.conversation.handler != Conversation.Handler.BOT or not has_files(messages):
        return ()
    with typing_shown(turn):
        return attend(turn, messages, token_of(turn.pk), wake)


def listen(conversation: Conversation, questions: Sequence[Message]) -> str:
    """From now on its language is the one of these words; answers what it was before."""
    so_far = conversation.language
    conversation.language = language_heard(" ".join(message.text for message in questions), so_far)
    return so_far


def thought(turn: Turn, prompt: Prompt, box: Toolbox, afterwards: Deed) -> Reply:
    conversation, tenant = turn.conversation, turn.conversation.channel.tenant
    order = conversation.agent.providers
    ask = partial(think, order=order, token=token_of(turn.pk), wake=wake)
    if box:
        answered = loop.answer(turn, prompt, box, ask, partial(call_in, turn))
    elif tenant.reuses_answers:
        answered = loop.Answered(recalled(prompt, order, partial(ask, prompt)))
    else:
        answered = loop.Answered(ask(prompt))

    def deed() -> None:
        for each in (*answered.deeds, afterwards):
            each()

    text, sources = answered.completion.text, None
    if prompt.found is not None:
        text, sources = cite(text, prompt.found, prompt.language, names=tenant.names_sources)
    return Reply(text, answered.completion, deed, answered.buttons, sources)


def call_in(turn: Turn, queue: Queue) -> None:
    """A transaction may be run again: each time with the conversation as it was seen."""
    hand_off(copy(turn.conversation), queue, by="assistant", **turn.ids)


def canned_name(turn: Turn, message: Message) -> str:
    """The phrase that answers this message without thought; empty for a question."""
    if is_settled(turn, message.text):
        return "settled"
    command = name_of(message)
    return command if not command or command in COMMANDS else "unknown"


def canned(turn: Turn, message: Message, language: str) -> Reply | None:
    name = canned_name(turn, message)
    if not name:
        return None
    is_with_people = turn.conversation.is_with_people
    command = COMMANDS.get(name)
    reply = command(turn, message, language) if command else Reply(phrase(name, language))
    return replace(reply, leaves_open=is_with_people)
