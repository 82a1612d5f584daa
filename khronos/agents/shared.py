"""What people share besides words and files, in words for a model: places, contacts, stickers, polls."""

from khronos.agents import fences
from khronos.models import Message

TOLD = (
    "title", "address", "latitude", "longitude", "first_name", "last_name", "phone_number",
    "emoji", "value", "question", "options",
)  # fmt: skip
WORDS_MAX = 1000  # characters


def in_words(message: Message) -> str:
    """Such as `[location: -23.5, -46.6]`."""
    kind = str(message.media.get("kind") or message.content)
    told = ", ".join(words(message.media[name]) for name in TOLD if message.media.get(name) not in (None, ""))
    return f"[{kind}: {told[:WORDS_MAX]}]" if told else f"[{kind}]"


def words(value: object) -> str:
    text = " / ".join(map(str, value)) if isinstance(value, list) else str(value)
    return " ".join(fences.plain(text).replace("]", ")").split())
