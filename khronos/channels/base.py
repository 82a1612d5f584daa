"""What every channel speaks: one vocabulary for what arrives, one small interface for what leaves.

A new channel is one file with a parser and a transport (docs/channels.md).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

from khronos.exceptions import Vanished
from khronos.resilience.limits import Claim

KEY_MAX = 80  # characters: the column of an update's key


class Happening(StrEnum):
    """What an update tells us."""

    MESSAGE = "message"
    EDIT = "edit"
    BUTTON = "button"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    MIGRATED = "migrated"
    UNDELIVERED = "undelivered"  # an answer that the service had taken; `reason` says why
    IGNORED = "ignored"


class Content(StrEnum):
    """What a message is made of."""

    TEXT = "text"
    PHOTO = "photo"
    DOCUMENT = "document"
    VOICE = "voice"
    VIDEO = "video"
    LOCATION = "location"
    CONTACT = "contact"
    STICKER = "sticker"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Identity:
    """The little that intake needs of an update; read without any chance to fail."""

    key: str
    chat: str | None = None
    sender: str | None = None


def unknown(raw: bytes) -> Identity:
    """What cannot be read is known by its hash."""
    return Identity(digest(raw))


def digest(raw: bytes) -> str:
    return f"sha256:{sha256(raw).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Sender:
    id: str
    name: str = ""
    username: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One update, understood."""

    happening: Happening
    chat_id: str = ""
    chat_type: str = "private"
    chat_title: str = ""
    sender: Sender | None = None
    message_id: str = ""
    content: Content = Content.TEXT
    text: str = ""
    media: Mapping[str, Any] = field(default_factory=dict)
    sent_at: datetime | None = None
    addressed: bool = True  # in a group: mentioned, replied to, or a command for us
    callback_id: str = ""
    new_chat_id: str = ""
    reason: str = ""  # why it was ignored, or not delivered


@dataclass(frozen=True, slots=True)
class Account:
    """Our side of a channel: what its parser and transport must know."""

    slug: str
    token: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    username: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


class Button(NamedTuple):
    """Below a message; pressed, its data come back."""

    text: str
    data: str  # at most 64 bytes


class Transport(Protocol):
    """How a channel sends. Errors are those of `khronos.exceptions`; nothing else escapes."""

    text_limit: int  # UTF-16 units of one message
    can_edit: bool
    guard: str  # the breaker of the service behind it; empty: there is none
    budget: str  # the limit that a 429 of this service pauses; empty: only what was refused waits
    pulled: bool  # readers fetch with a cursor: a stored row is a delivered one, no send is needed
    brings_files: bool  # within the message: they were stored with it, and there is nothing to fetch

    def send(
        self, chat_id: str, text: str, *, plain: bool = False, key: str = "", buttons: Sequence[Button] = ()
    ) -> str:
        """Send Markdown (or plain) text; answers the message's id. A repeat bears the same key."""

    def edit(
        self,
        chat_id: str,
        message_id: str,
        text: str,
        *,
        plain: bool = False,
        buttons: Sequence[Button] = (),
    ) -> None: ...

    def claims(self, chat_id: str, chat_type: str, *, edits: bool = False) -> Sequence[Claim]:
        """What one message, or an edit, takes of which limits; those of the chat alone first."""

    def typing(self, chat_id: str) -> None: ...

    def answer_button(self, callback_id: str) -> None: ...

    def fetch(self, file_id: str, most_bytes: int, sink: Callable[[bytes], object]) -> None:
        """Pour a file that somebody sent into the sink. Raises Vanished where it is gone, Oversized, and the
        other failures; the sink's own errors pass. What came before a failure is worth nothing.
        """


class Bare:
    """A transport's answers where a service has nothing of the kind."""

    text_limit = 4096
    can_edit = False
    guard = budget = ""
    pulled = False
    brings_files = False

    def edit(
        self,
        chat_id: str,
        message_id: str,
        text: str,
        *,
        plain: bool = False,
        buttons: Sequence[Button] = (),
    ) -> None:
        return None

    def claims(self, chat_id: str, chat_type: str, *, edits: bool = False) -> Sequence[Claim]:
        return ()

    def typing(self, chat_id: str) -> None:
        return None

    def answer_button(self, callback_id: str) -> None:
        return None

    def fetch(self, file_id: str, most_bytes: int, sink: Callable[[bytes], object]) -> None:
        raise Vanished("files come within their messages")


class Kind(Protocol):
    """A kind of channel: how to read it and how to open its transport."""

    def identify(self, raw: bytes) -> Identity:
        """Never raises: what cannot be read is known by its hash."""

    def parse(self, raw: bytes, account: Account) -> Incoming:
        """Raises Unreadable for what cannot be understood."""

    def transport(self, account: Account) -> Transport: ...


@dataclass(frozen=True, slots=True)
class Call:
    """What came to a channel's webhook. Names of headers are found however they are written."""

    raw: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str]


class Hooked:
    """A kind whose messages come to `/webhooks/<kind>/<slug>/`."""

    def greeting(self, call: Call, account: Account) -> str | None:
        """What a GET is answered, by which services see that the address is ours; None is a 403."""
        return None

    def is_from(self, call: Call, secret: str) -> bool:
        """Whether this secret signed it. Compare in constant time (`hmac.compare_digest`)."""
        raise NotImplementedError

    def updates(self, raw: bytes) -> Sequence[bytes]:
        """One for each thing that happened; what cannot be read stays one."""
        return [raw]

    def answer(self, raw: bytes) -> bytes:
        """The body of our 200: JSON, or nothing."""
        return b""
