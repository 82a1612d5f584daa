"""The little that intake needs of an update: on the webhook's hot path, without any chance to fail."""

from typing import Any

from khronos.channels.base import Identity, unknown
from khronos.channels.telegram.reading import decode, is_int
from khronos.exceptions import Unreadable

UPDATE_ID_MAX = 2**53  # JSON numbers are exact up to here


def identify(raw: bytes) -> Identity:
    try:
        update = decode(raw)
    except Unreadable:
        return unknown(raw)
    update_id = update.get("update_id") if isinstance(update, dict) else None
    if type(update_id) is not int or not 0 <= update_id < UPDATE_ID_MAX:
        return unknown(raw)
    for content in update.values():
        if isinstance(content, dict):
            return Identity(str(update_id), chat_of(content), id_of(content.get("from")))
    return Identity(str(update_id))


def chat_of(content: dict[str, Any]) -> str | None:
    """The chat of a message, of a member's change, or of the message below a pressed button."""
    message = content
    if "chat" not in content and isinstance(content.get("message"), dict):
        message = content["message"]
    chat = id_of(message.get("chat"))
    thread = message.get("message_thread_id")
    if chat and message.get("is_topic_message") is True and is_int(thread):
        return f"{chat}:{thread}"
    return chat


def id_of(holder: object) -> str | None:
    value = holder.get("id") if isinstance(holder, dict) else None
    return str(value) if is_int(value) else None
