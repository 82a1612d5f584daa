"""What the model is told: who it is, what was said before within a budget, and what waits for an answer."""

from collections.abc import Iterable, Sequence
from functools import cache

from django.conf import settings
from django.db.models import Q

from khronos.agents.attached import NOTHING, Attached, joined, lined
from khronos.agents.providers.base import Line, Prompt, Role
from khronos.models import Conversation, Message, Turn
from khronos.models.prepared import Select, Slot

CHARS_PER_TOKEN = 3.5  # a safe mean of English and Portuguese; the providers count for themselves
LANGUAGES = {"pt": "Brazilian Portuguese", "en": "English"}
NOTHING_SAID = "(Nothing new was said: what was asked for has been decided.)"
DEFAULT_INSTRUCTIONS = (
    "You are a helpful assistant who answers people in a chat. Be brief, friendly and plain. "
    "If you do not know something, say so and offer to call a person."
)


def build(
    turn: Turn, questions: Sequence[Message], before: Sequence[Message], attached: Attached = NOTHING
) -> Prompt:
    conversation = turn.conversation
    asked = "\n".join(said(message, attached) for message in questions) or NOTHING_SAID
    budget = settings.HISTORY_MAX_TOKENS - tokens(asked)
    lines = [*newest_within(before, budget, attached), lined("user", asked, questions, attached)]
    return Prompt(
        system=system(conversation),
        lines=alternating(lines),
        language=language_of(conversation),
        max_tokens=settings.ANSWER_MAX_TOKENS,
        tenant=conversation.channel.tenant_id,
        models=conversation.agent.model_by_provider,
    )


def system(conversation: Conversation) -> str:
    agent = conversation.agent
    language = LANGUAGES.get(language_of(conversation))
    hint = ""
    if language and agent.language:
        hint = f" Answer in {language}, whatever language they write."
    elif language:
        hint = f" The person's language is probably {language}; answer in the language they write."
    return (agent.instructions or DEFAULT_INSTRUCTIONS) + hint


def language_of(conversation: Conversation) -> str:
    """The agent's own, else the contact's."""
    contact = conversation.contact
    theirs = contact.language.lower()[:2] if contact and contact.language else ""
    return conversation.agent.language or theirs


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
            .only("pk", "turn_id", "author", "text", "content", "sender_name", "created_at")[:most]
        )
    )


def newest_within(messages: Sequence[Message], budget: float, attached: Attached = NOTHING) -> list[Line]:
    lines: list[Line] = []
    for message in reversed(messages):
        text = said(message, attached)
        budget -= tokens(text)
        if budget < 0:
            break
        role: Role = "user" if message.author == Message.Author.CONTACT else "assistant"
        lines.append(lined(role, text, [message], attached))
    return lines[::-1]


def alternating(lines: Iterable[Line]) -> list[Line]:
    """Neighbours of one role become one line; the first is the user's."""
    merged: list[Line] = []
    for line in lines:
        if merged and merged[-1].role == line.role:
            merged[-1] = joined(merged[-1], line)
        elif merged or line.role == "user":
            merged.append(line)
    return merged


def said(message: Message, attached: Attached = NOTHING) -> str:
    if message.content == "text":
        return message.text
    if known := attached.get(message.pk):
        return f"{known.words} {message.text}".strip()
    return f"[{message.content}] {message.text}".strip()


def tokens(text: str) -> float:
    return len(text) / CHARS_PER_TOKEN
