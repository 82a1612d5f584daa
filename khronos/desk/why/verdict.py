"""What became of a message, in one plain sentence: answered, not yet, never, or it needed no answer."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from khronos.channels import account_of, kind_of
from khronos.channels.base import Happening
from khronos.conversation.handoff import CLOSED, HANDED
from khronos.conversation.wishes import name_of
from khronos.desk.lengths import exact
from khronos.desk.why import calls, waiting
from khronos.desk.why.life import Life
from khronos.desk.why.standing import handler
from khronos.desk.why.story import Verdict, clause
from khronos.exceptions import Unreadable
from khronos.models import Conversation, Delivery, Event, Message, Turn, Update


def verdict(life: Life) -> Verdict:
    judged = judge(life)
    if life.found.is_repeat and life.update:
        text = _("A repeat of update %(key)s, which was stored %(time)s before. %(verdict)s")
        known = {"key": life.update.key, "time": exact((life.now - life.update.received_at).total_seconds())}
        return Verdict("needless", "duplicate", text % (known | {"verdict": judged.text}), judged.also)
    return judged


def judge(life: Life) -> Verdict:
    turn, message = life.turn, life.message
    if turn:
        return of_turn(life, turn)
    if message and message.author == Message.Author.CONTACT:
        return by_people(life)
    if message:
        return shown(life, life.said, message.created_at)
    return of_update(life, life.update) if life.update else of_event(life)


def of_turn(life: Life, turn: Turn) -> Verdict:
    if turn.due_at:
        return waiting.turn(life, turn)
    if turn.state == Turn.State.ANSWERED:
        judged = shown(life, life.answers or life.said, life.began)
        open_ = calls.unconfirmed(life) if judged.outcome == "answered" else None
        return waiting.confirmation(open_) if open_ else judged
    if turn.state == Turn.State.BURIED:
        text = _("It was given up: %(why)s.") % {"why": clause(turn.reason)}
        return never("buried", text, letters(life))
    if turn.reason == HANDED:
        return by_people(life)
    if turn.reason == CLOSED:
        return never("closed", _("The conversation was closed before."))
    return needless("settled", turn.reason or _("There was nothing to say."))


def shown(life: Life, said: Sequence[Message], began: datetime) -> Verdict:
    """What was written: did it arrive?"""
    parts = life.parts_of(said)
    if undone := [part for part in parts if part.due_at]:
        return waiting.delivery(life, undone[0], alone=len(parts) == 1)
    if failed := [part for part in parts if part.state == Delivery.State.FAILED]:
        return unsent(life, failed[0])
    ends = [part.sent_at for part in parts if part.sent_at]
    turn = life.turn
    written = [each.created_at for each in said]
    after = {"time": exact((max([*ends, *written], default=began) - began).total_seconds())}
    also = doubts(parts) + edits(life)
    if turn is None or not said:
        return Verdict("answered", "shown", _("Shown after %(time)s.") % after, also)
    if turn.provider:
        return Verdict("answered", "answered", _("Answered after %(time)s.") % after, also)
    if all(name_of(question) for question in life.questions):
        text = _("Answered after %(time)s by Khronos itself: a command needs no model.")
        return Verdict("answered", "command", text % after, also)
    text = _("Answered after %(time)s by Khronos itself: no model was asked.")
    return Verdict("answered", "canned", text % after, also)


def unsent(life: Life, part: Delivery) -> Verdict:
    contact = life.conversation.contact if life.conversation else None
    if contact and contact.is_blocked:
        return never("blocked", _("The contact has blocked us: %(why)s.") % {"why": clause(part.reason)})
    text = _("The answer was written, but could not be shown: %(why)s.") % {"why": clause(part.reason)}
    return never("failed", text, [*letters(life), *doubts([part])])


def by_people(life: Life) -> Verdict:
    """It was put before no model: people have it, or it was not said to us."""
    message, conversation = life.message, life.conversation
    written = [each for each in life.said if each.author == Message.Author.OPERATOR]
    if message and written:
        return shown_by_person(life, written)
    if life.turn is None and not said_to_us(life):
        return needless("chatter", _("People of a group said it to each other, not to us."))
    if conversation is None or conversation.state == Conversation.State.CLOSED:
        return never("closed", _("The conversation was closed before."))
    if standing := handler(conversation):
        reason = "queue" if conversation.handler == Conversation.Handler.QUEUE else "person"
        return Verdict("waiting", reason, waiting.not_yet(standing[0].text), edits(life))
    return never("person", _("It was handed to a person, who gave the conversation back without an answer."))


def shown_by_person(life: Life, written: Sequence[Message]) -> Verdict:
    parts = life.parts_of(written)
    if undone := [part for part in parts if part.due_at]:
        return waiting.delivery(life, undone[0], alone=len(parts) == 1)
    if failed := [part for part in parts if part.state == Delivery.State.FAILED]:
        return unsent(life, failed[0])
    known = {
        "who": written[0].operator or _("a person"),
        "time": exact((written[0].created_at - life.began).total_seconds()),
    }
    return Verdict("answered", "person", _("Answered by %(who)s after %(time)s.") % known, edits(life))


def said_to_us(life: Life) -> bool:
    routed = life.told(Event.Type.HANDOFF_REQUESTED)  # by the dispatcher, where nobody else is named
    if any("by" not in event.payload for event in routed):
        return True
    return life.conversation is not None and life.conversation.chat_type == "private"


def of_update(life: Life, update: Update) -> Verdict:
    if update.state == Update.State.RECEIVED:
        return waiting.update(life, update)
    if update.state == Update.State.QUARANTINED:
        text = _("It could not be understood, and is in quarantine: %(why)s.") % {
            "why": clause(update.reason)
        }
        return never("quarantined", text)
    try:
        incoming = kind_of(update.channel.kind).parse(bytes(update.raw), account_of(update.channel))
    except Unreadable as error:
        return never("quarantined", clause(str(error)))
    text = HAPPENINGS[incoming.happening]() % {"why": clause(incoming.reason)}
    return needless(str(incoming.happening), text)


HAPPENINGS = {
    Happening.EDIT: lambda: _(
        "It is an edit; its message is answered as edited, if it was not answered yet."
    ),
    Happening.BLOCKED: lambda: _("The contact blocked us."),
    Happening.UNBLOCKED: lambda: _("The contact unblocked us."),
    Happening.MIGRATED: lambda: _("The group moved to another id."),
    Happening.IGNORED: lambda: _("It is of a kind that is not answered: %(why)s."),
    Happening.MESSAGE: lambda: _("Its message is gone."),
    Happening.BUTTON: lambda: _("Its message is gone."),
}


def of_event(life: Life) -> Verdict:
    return needless("event", _("It is an event of no message that is still here."))


def never(reason: str, why: str, also: Sequence[str] = ()) -> Verdict:
    return Verdict("never", reason, _("Not answered. %(why)s") % {"why": why}, also)


def needless(reason: str, why: str) -> Verdict:
    return Verdict("needless", reason, _("Needed no answer. %(why)s") % {"why": why})


def letters(life: Life) -> list[str]:
    found = [letter for letter in life.letters if letter.replayed_at is None]
    return [_("Dead letter %(id)s has it, to be replayed.") % {"id": letter.pk} for letter in found]


def doubts(parts: Sequence[Delivery]) -> list[str]:
    count = sum(part.doubtful for part in parts)
    text = ngettext(
        "%(n)s delivery may have been shown twice.", "%(n)s deliveries may have been shown twice.", count
    )
    return [text % {"n": count}] if count else []


def edits(life: Life) -> list[str]:
    message, turn = life.message, life.turn
    if message is None or message.edited_at is None:
        return []
    if turn and turn.answered_at and turn.answered_at < message.edited_at:
        return [_("It was edited after its answer; an edit is not answered again.")]
    return [_("It was edited before its answer, which is to the edited words.")]
