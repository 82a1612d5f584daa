"""A Telegram update in our own words. Unreadable for what breaks Telegram's own rules, and nothing else."""

from collections.abc import Callable
from dataclasses import replace

from khronos.channels.base import Account, Happening, Incoming, Sender
from khronos.channels.telegram.addressed import is_addressed
from khronos.channels.telegram.content import content_of
from khronos.channels.telegram.identity import UPDATE_ID_MAX
from khronos.channels.telegram.reading import (
    NAME_MAX,
    TEXT_MAX,
    Json,
    decode,
    flag,
    identifier,
    mapping,
    moment,
    needed,
    number,
    string,
)
from khronos.exceptions import Unreadable

# Telegram shows these two accounts for people who write as a group or as a channel.
WRITES_AS_CHAT = {"1087968824", "136817688"}


def parse(raw: bytes, account: Account) -> Incoming:
    update = decode(raw)
    if not isinstance(update, dict):
        raise Unreadable("not an object")
    update_id = number(update, "update_id")
    if update_id is None or not 0 <= update_id < UPDATE_ID_MAX:
        raise Unreadable("update_id is missing or out of range")
    for kind, read in KINDS.items():
        if update.get(kind) is not None:
            return read(needed(update, kind), account)
    kinds = sorted(str(name) for name in update if name != "update_id")
    return ignored(f"updates of kind {', '.join(kinds)[:100] or 'none'} are not for us")


def ignored(reason: str) -> Incoming:
    return Incoming(Happening.IGNORED, reason=reason)


def message_of(message: Json, account: Account) -> Incoming:
    incoming = envelope(message, Happening.MESSAGE)
    if new_chat := number(message, "migrate_to_chat_id"):
        return replace(incoming, happening=Happening.MIGRATED, new_chat_id=str(new_chat))
    found = content_of(message)
    if found is None:
        return replace(incoming, happening=Happening.IGNORED, reason=unsaid(message))
    if reason := not_a_person(message, incoming.sender):
        return replace(incoming, happening=Happening.IGNORED, reason=reason)
    content, text, media = found
    addressed = incoming.chat_type == "private" or is_addressed(message, account)
    return replace(incoming, content=content, text=text, media=media, addressed=addressed)


def edit_of(message: Json, account: Account) -> Incoming:
    incoming = message_of(message, account)
    if incoming.happening is not Happening.MESSAGE:
        return incoming
    edited_at = moment(message, "edit_date") or incoming.sent_at
    return replace(incoming, happening=Happening.EDIT, sent_at=edited_at)


def envelope(message: Json, happening: Happening) -> Incoming:
    """Who, where and when, which all messages have."""
    chat = needed(message, "chat")
    user = mapping(message, "from")
    return Incoming(
        happening,
        chat_id=thread_of(message, identifier(chat)),
        chat_type=string(chat, "type", 20) or "private",
        chat_title=string(chat, "title", NAME_MAX),
        sender=sender_of(user, mapping(message, "sender_chat")) if user else None,
        message_id=identifier(message, "message_id"),
        sent_at=moment(message, "date"),
    )


def thread_of(message: Json, chat_id: str) -> str:
    """A topic of a forum is a conversation of its own."""
    thread = number(message, "message_thread_id")
    return f"{chat_id}:{thread}" if thread is not None and flag(message, "is_topic_message") else chat_id


def sender_of(user: Json, behind: Json | None = None) -> Sender:
    name = " ".join(filter(None, (string(user, "first_name", NAME_MAX), string(user, "last_name", NAME_MAX))))
    sender_id = identifier(user)
    if behind and sender_id in WRITES_AS_CHAT:
        name = string(behind, "title", NAME_MAX) or name
    return Sender(
        id=sender_id,
        name=name[:NAME_MAX],
        username=string(user, "username"),
        language=string(user, "language_code", 20),
    )


def not_a_person(message: Json, sender: Sender | None) -> str:
    """Why nobody is to be answered. Two bots that answer each other would never stop."""
    if sender is None:
        return "nobody sent it"
    if flag(message, "is_automatic_forward"):
        return "forwarded by Telegram from the linked channel"
    is_bot = flag(needed(message, "from"), "is_bot")
    return "sent by a bot" if is_bot and sender.id not in WRITES_AS_CHAT else ""


def unsaid(message: Json) -> str:
    """Service messages, and kinds that Telegram has made since."""
    known = {"message_id", "message_thread_id", "from", "sender_chat", "chat", "date", "is_topic_message"}
    kinds = sorted(str(name) for name in message if name not in known)
    return f"a message with {', '.join(kinds)[:100] or 'nothing'} says nothing to us"


def button_of(query: Json, account: Account) -> Incoming:
    message = mapping(query, "message")
    if message is None or query.get("data") is None:
        return ignored("a button without a message of ours or without data")
    chat = needed(message, "chat")
    return Incoming(
        Happening.BUTTON,
        chat_id=thread_of(message, identifier(chat)),
        chat_type=string(chat, "type", 20) or "private",
        chat_title=string(chat, "title", NAME_MAX),
        sender=sender_of(needed(query, "from")),
        message_id=identifier(message, "message_id"),
        text=string(query, "data", TEXT_MAX),
        callback_id=string(query, "id"),
    )


def standing_of(change: Json, account: Account) -> Incoming:
    """Somebody blocked us, came back, or moved us in or out of a group."""
    chat = needed(change, "chat")
    status = string(needed(change, "new_chat_member"), "status")
    incoming = Incoming(
        Happening.IGNORED,
        chat_id=identifier(chat),
        chat_type=string(chat, "type", 20) or "private",
        chat_title=string(chat, "title", NAME_MAX),
        sender=sender_of(needed(change, "from")),
        sent_at=moment(change, "date"),
    )
    happening = {"kicked": Happening.BLOCKED, "member": Happening.UNBLOCKED}.get(status)
    if incoming.chat_type == "private" and happening:
        return replace(incoming, happening=happening)
    return replace(incoming, reason=f"our standing in the chat is now {status or 'unknown'}")


KINDS: dict[str, Callable[[Json, Account], Incoming]] = {
    "message": message_of,
    "edited_message": edit_of,
    "callback_query": button_of,
    "my_chat_member": standing_of,
}
