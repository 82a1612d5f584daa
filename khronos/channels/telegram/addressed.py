"""Whether a message in a group is meant for us: our name, a reply to us, or a command."""

from khronos.channels.base import Account
from khronos.channels.telegram.reading import Json, items, mapping, number, string


def is_addressed(message: Json, account: Account) -> bool:
    return replies_to_us(message, account) or names_us(message, account)


def replies_to_us(message: Json, account: Account) -> bool:
    replied = mapping(message, "reply_to_message")
    # In a forum each message replies to the one that opened the topic, which may be ours.
    if not replied or "forum_topic_created" in replied:
        return False
    author = mapping(replied, "from")
    return bool(author) and is_us(author, account)


def is_us(user: Json | None, account: Account) -> bool:
    if not user:
        return False
    if str(number(user, "id")) == account.token.partition(":")[0]:
        return True
    return bool(account.username) and same_name(string(user, "username"), account.username)


def same_name(left: str, right: str) -> bool:
    return left.lstrip("@").casefold() == right.lstrip("@").casefold()


def names_us(message: Json, account: Account) -> bool:
    entities = items(message, "entities") or items(message, "caption_entities")
    if not entities:
        return False
    # Offsets count in the text as it came, with what `string` would clean away still in it.
    text = message.get("text") or message.get("caption") or ""
    units = text.encode("utf-16-le", "surrogatepass")
    return any(points_at_us(entity, units, account) for entity in entities)


def points_at_us(entity: Json, units: bytes, account: Account) -> bool:
    kind = string(entity, "type")
    if kind == "text_mention":
        return is_us(mapping(entity, "user"), account)
    if kind not in ("mention", "bot_command"):
        return False
    words = piece(entity, units)
    if kind == "mention":
        return bool(account.username) and same_name(words, account.username)
    _, at, name = words.partition("@")
    starts = number(entity, "offset") == 0
    return starts and (not at or (bool(account.username) and same_name(name, account.username)))


def piece(entity: Json, units: bytes) -> str:
    """Telegram counts offsets in UTF-16 code units."""
    start, length = number(entity, "offset") or 0, number(entity, "length") or 0
    if start < 0 or length < 0:
        return ""
    return units[start * 2 : (start + length) * 2].decode("utf-16-le", "ignore")
