"""How much of a talk the model is told word by word (docs/mind.md).

The history grows until the budget is full; then its older half is left to the summary at once. To drop one
line each turn would make each prompt a new one, which no provider has in its cache.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.db.models import Q

from khronos.agents.providers.base import tokens
from khronos.models import Conversation, Message, Summary, Turn
from khronos.models.prepared import Select, Slot

SUMMARY = Select(
    lambda: Summary.objects.filter(conversation=Slot("conversation", Conversation._meta.pk)).only(
        "text", "told_to"
    )
)


@dataclass(frozen=True, slots=True)
class Window:
    kept: Sequence[Message]
    begins: int  # the number of its first message
    sum_up_to: int = 0  # what is older, or soon will be


def history(turn: Turn) -> list[Message]:
    """What was said before, oldest first; an answer stands behind the questions of its turn."""
    conversation = turn.conversation
    before = newest_before(settings.HISTORY_MAX_MESSAGES)(
        turn=turn.pk, conversation=conversation.pk, first=conversation.remembers_from
    )
    by_turn: list[tuple[int, int, Message]] = []
    latest = 0
    for message in reversed(before):
        latest = max(latest, message.turn_id or 0)
        by_turn.append((message.turn_id or latest, message.pk, message))
    return [message for _, _, message in sorted(by_turn, key=lambda row: row[:2])]


@cache
def newest_before(most: int) -> Select[Message]:
    key = Message._meta.pk
    return Select(
        lambda: (
            Message.objects.filter(
                Q(turn__isnull=True) | Q(turn__lt=Slot("turn", Turn._meta.pk)),
                conversation=Slot("conversation", Conversation._meta.pk),
                pk__gte=Slot("first", key),
            )
            .order_by("-pk")
            .only("pk", "turn_id", "author", "text", "content", "media", "sender_name", "created_at")[:most]
        )
    )


def window_of(conversation: Conversation, before: Sequence[Message]) -> Window:
    """The same for the same history, whoever asks."""
    begins = conversation.told_from
    kept = [message for message in before if message.pk >= begins]
    full = fullness(kept)
    if full < settings.HISTORY_NEARLY:
        return Window(kept, begins)
    half = newer_half(kept)
    if full < 1.0:
        return Window(kept, begins, sum_up_to=half - 1)
    return Window([message for message in kept if message.pk >= half], half, sum_up_to=half - 1)


def fullness(messages: Sequence[Message]) -> float:
    """Of the budget. A window as long as what is read may go on beyond it."""
    said = sum(tokens(message.text) for message in messages)
    return max(said / settings.HISTORY_MAX_TOKENS, len(messages) / settings.HISTORY_MAX_MESSAGES)


def newer_half(messages: Sequence[Message]) -> int:
    """The number from which on half of the budget is left; a question is the first of it."""
    first = len(messages)
    while first and fullness(messages[first - 1 :]) <= 0.5:
        first -= 1
    while first < len(messages) and messages[first].author != Message.Author.CONTACT:
        first += 1
    left = [message.pk for message in messages[first:]]
    return min(left, default=max(message.pk for message in messages) + 1)


def summary_of(conversation: Conversation) -> str:
    """What was said before the window; empty where nothing of it is known, or may be."""
    if conversation.told_from <= conversation.remembers_from:
        return ""
    rows = SUMMARY(conversation=conversation.pk)
    return rows[0].text if rows and rows[0].told_to >= conversation.remembers_from else ""
