"""Which message is a command to the bot itself. The dispatcher asks it too: nothing here does any of them."""

import re

from khronos.channels.base import Incoming
from khronos.models import Message

# A number is a place in the list that was shown; behind `#`, as buttons have it, it is the fact's own.
FORGET = re.compile(
    r"(?:/(?:forget|esquecer)(?:@\w+)?|forget|esquecer|esque[cç]a)"
    r"\s+(?P<what>#?\d{1,9}|all|everything|tudo)(?:\s+(?:about me|sobre mim))?\s*[.!]?",
    re.IGNORECASE,
)
NAMES = frozenset(
    ("start", "help", "human", "assistant", "assistente", "reset", "privacy", "forget", "esquecer")
)


def name_of(said: Message | Incoming) -> str:
    """`/help@our_bot now` -> `help`; empty where it is no command."""
    if said.content != "text":
        return ""
    if not said.text.startswith("/"):
        return "forget" if FORGET.fullmatch(said.text.strip()) else ""
    return said.text[1:].split(maxsplit=1)[0].split("@")[0].lower() if said.text[1:].strip() else ""


def is_for_the_bot(said: Message | Incoming) -> bool:
    """Answered also while people have the conversation."""
    return name_of(said) in NAMES
