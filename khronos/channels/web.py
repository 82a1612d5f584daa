"""The web channel: signed JSON over HTTP, for the chat page and any site (docs/web-channel.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from khronos.channels.base import (
    KEY_MAX,
    Account,
    Bare,
    Button,
    Content,
    Happening,
    Identity,
    Incoming,
    Kind,
    Sender,
    Transport,
    digest,
    unknown,
)
from khronos.channels.callback import CallbackTransport
from khronos.channels.web_files import files_of
from khronos.channels.web_reading import clean, load
from khronos.database import UNSTORABLE
from khronos.exceptions import Unreadable

CHAT_MAX = 100  # characters: the columns of ids on the channel
NAME_MAX = 300
LANGUAGE_MAX = 20
TEXT_MAX = 32_000
HAPPENINGS = {
    "message": Happening.MESSAGE,
    "edit": Happening.EDIT,
    "button": Happening.BUTTON,
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """What must be right for an update to be ours."""

    body: dict[str, Any]
    key: str
    chat: str
    sender: str


class PulledTransport(Bare):
    """Readers fetch with a cursor: the stored message is the delivered one."""

    text_limit = 1_000_000  # nothing is split for a page
    pulled = True
    brings_files = True

    def send(
        self, chat_id: str, text: str, *, plain: bool = False, key: str = "", buttons: Sequence[Button] = ()
    ) -> str:
        return ""


class Web:
    def identify(self, raw: bytes) -> Identity:
        try:
            envelope = open_envelope(raw)
        except Unreadable:
            return unknown(raw)
        return Identity(key=envelope.key, chat=envelope.chat, sender=envelope.sender)

    def parse(self, raw: bytes, account: Account) -> Incoming:
        envelope = open_envelope(raw)
        body = envelope.body
        name = body.get("type", "message")
        happening = HAPPENINGS.get(name) if isinstance(name, str) else None
        if happening is None:
            return ignored(envelope, f"unknown type {clean(name, 40)!r}")
        text = clean(body.get("text"), TEXT_MAX)
        files = files_of(body) if happening is Happening.MESSAGE else None
        if not text.strip() and files is None:
            return ignored(envelope, "no text")
        content, media = files or (Content.TEXT, {})
        return Incoming(
            happening=happening,
            chat_id=envelope.chat,
            sender=sender_of(envelope),
            message_id=message_id_of(envelope, happening),
            content=content,
            text=text,
            media=media,
            callback_id=envelope.key if happening is Happening.BUTTON else "",
        )

    def transport(self, account: Account) -> Transport:
        url = str(account.options.get("callback_url") or "")
        return CallbackTransport(url, account.secret) if url else PulledTransport()


KIND: Kind = Web()


def open_envelope(raw: bytes) -> Envelope:
    body = load(raw)
    chat = identifier(body.get("chat"), "chat", CHAT_MAX)
    sender = body.get("sender")
    given = sender.get("id") if isinstance(sender, dict) else None
    return Envelope(
        body=body,
        key=key_of(body),
        chat=chat,
        sender=chat if given is None else identifier(given, "sender.id", CHAT_MAX),
    )


def key_of(body: dict[str, Any]) -> str:
    """The sender's own id; one that is too long for the column is known by its hash."""
    key = identifier(body.get("id"), "id", None)
    return key if len(key) <= KEY_MAX else digest(key.encode())


def identifier(value: Any, name: str, limit: int | None) -> str:
    """Ids are taken as they are or not at all: one that was cut or cleaned could be another's."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Unreadable(f"{name} is missing" if value is None else f"{name} is no text")
    text = number(value, name) if isinstance(value, int) else value
    if not text:
        raise Unreadable(f"{name} is empty")
    if UNSTORABLE.search(text):
        raise Unreadable(f"{name} holds what cannot be stored")
    if limit and len(text) > limit:
        raise Unreadable(f"{name} is longer than {limit} characters")
    return text


def number(value: int, name: str) -> str:
    try:
        return str(value)
    except ValueError:  # Python writes no more than 4,300 digits
        raise Unreadable(f"{name} is too long a number") from None


def message_id_of(envelope: Envelope, happening: Happening) -> str:
    """A message without one is known by its update's id; an edit must name the message that it changes."""
    given = envelope.body.get("message_id")
    if given is None and happening is not Happening.EDIT:
        return envelope.key
    return identifier(given, "message_id", CHAT_MAX)


def sender_of(envelope: Envelope) -> Sender:
    given = envelope.body.get("sender")
    facts = given if isinstance(given, dict) else {}
    return Sender(
        id=envelope.sender,
        name=clean(facts.get("name"), NAME_MAX),
        language=clean(facts.get("language"), LANGUAGE_MAX),
    )


def ignored(envelope: Envelope, reason: str) -> Incoming:
    return Incoming(
        happening=Happening.IGNORED, chat_id=envelope.chat, sender=sender_of(envelope), reason=reason
    )
