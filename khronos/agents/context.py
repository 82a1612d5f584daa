"""What the model is told (docs/mind.md). The longer it stays the same, the earlier in the prompt it stands:

tools ─ instructions ─ summary of what is older ─ history ─ the question, behind what our records say of it
"""

from collections.abc import Iterable, Sequence

from django.conf import settings

from khronos.agents import fences
from khronos.agents.attached import NOTHING, Attached, joined, lined
from khronos.agents.memory import facts_for
from khronos.agents.passages import passages_for
from khronos.agents.providers.base import Line, Prompt, Role
from khronos.agents.shared import in_words
from khronos.agents.window import summary_of, window_of
from khronos.models import Conversation, Message, Turn

LANGUAGES = {"pt": "Brazilian Portuguese", "en": "English"}
NOTHING_SAID = "(Nothing new was said: what was asked for has been decided.)"
DEFAULT_INSTRUCTIONS = (
    "You are a helpful assistant who answers people in a chat. Be brief, friendly and plain. "
    "If you do not know something, say so and offer a person, whom /human calls."
)


def build(
    turn: Turn, questions: Sequence[Message], before: Sequence[Message], attached: Attached = NOTHING
) -> Prompt:
    conversation = turn.conversation
    tenant = conversation.channel.tenant_id
    asked = "\n".join(said(message, attached) for message in questions)
    found = passages_for(tenant, "\n".join(message.text for message in questions), said_by_contact(before))
    told = fences.context(facts_for(conversation), found)
    summary = summary_of(conversation)
    lines = [Line("user", fences.summary(summary))] if summary else []
    lines += [line_of(message, attached) for message in window_of(conversation, before).kept]
    lines.append(lined("user", f"{told}{asked or NOTHING_SAID}", questions, attached))
    return Prompt(
        system=system(conversation),
        lines=alternating(lines),
        language=language_of(conversation),
        max_tokens=settings.ANSWER_MAX_TOKENS,
        tenant=tenant,
        models=conversation.agent.model_by_provider,
        asked=asked,
        found=found,
    )


def said_by_contact(messages: Sequence[Message]) -> list[str]:
    return [each.text for each in messages if each.author == Message.Author.CONTACT and each.text]


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
    """The agent's own, else what the contact writes; until they have written much, that of their client."""
    contact = conversation.contact
    client = contact.language.lower()[:2] if contact and contact.language else ""
    return conversation.agent.language or conversation.language or client


def line_of(message: Message, attached: Attached) -> Line:
    role: Role = "user" if message.author == Message.Author.CONTACT else "assistant"
    return lined(role, said(message, attached), [message], attached)


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
    text = fences.plain(message.text)
    if message.content == "text":
        return text
    if known := attached.get(message.pk):
        return f"{known.words} {text}".strip()
    return f"{in_words(message)} {text}".strip()
