"""While people have a conversation: how it stands, said now and then, and the way back to the assistant."""

from functools import partial
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now

from khronos.agents.context import language_of
from khronos.conversation.answer import Buttons, Reply
from khronos.conversation.arrivals import handler_of
from khronos.conversation.handoff import release
from khronos.conversation.phrases import MENU, phrase
from khronos.models import Conversation, Turn

Handler = Conversation.Handler
STANDINGS = {Handler.QUEUE: "in_line", Handler.HUMAN: "with_person"}


def standing(conversation: Conversation, language: str) -> str:
    return phrase(STANDINGS[Handler(conversation.handler)], language)


def has_way_back(conversation: Conversation) -> bool:
    """Where a channel is for people alone, only they bring the assistant in."""
    return handler_of(conversation.channel) != Handler.QUEUE


def way_back(conversation: Conversation, language: str) -> Buttons:
    return [(phrase("back", language), "/assistant")] if has_way_back(conversation) else ()


def what_can_be_done(conversation: Conversation, language: str) -> Reply:
    texts = MENU.get(language, MENU["en"])
    names = ["assistant", "privacy"] if has_way_back(conversation) else ["privacy"]
    lines = "\n".join(f"/{name} – {texts[name]}" for name in names)
    return Reply(f"{standing(conversation, language)}\n\n{lines}", buttons=way_back(conversation, language))


def give_back(conversation: UUID, trace_id: str) -> None:
    """From whoever has it by then: people may have passed it on since it was asked for."""
    now = Conversation.objects.select_for_update(of=("self",)).select_related("channel").get(pk=conversation)
    release(now, by="contact", trace_id=trace_id)


def reminder(turn: Turn) -> list[Reply]:
    """To one who has waited long, and writes: at most one in each period."""
    period, waiting = settings.WAITING_TOLD_EVERY, turn.conversation
    if not period or not Conversation.objects.untold(period).filter(pk=waiting.pk).exists():
        return []
    language = language_of(waiting)
    words = phrase("waits", language)
    if has_way_back(waiting):
        words = f"{words} {phrase('waits_or', language)}"
    deed = partial(tell_once, waiting.pk)
    return [Reply(words, deed=deed, buttons=way_back(waiting, language), leaves_open=True)]


def tell_once(conversation: UUID) -> bool:
    """False where it is not so any more: somebody took it, or gave it back."""
    untold = Conversation.objects.untold(settings.WAITING_TOLD_EVERY).filter(pk=conversation)
    return bool(untold.update(waiting_told_at=Now()))
