"""A chat as its people see it: the messages on the screen, and what each said before it was edited."""

import time
from dataclasses import dataclass, field
from typing import Literal

ChatKind = Literal["private", "group", "supergroup"]


@dataclass(slots=True)
class Version:
    """A text that a message showed, from this moment on."""

    text: str
    at: float


@dataclass(slots=True)
class Message:
    """One message on the screen. `raw` is the form in which the Bot API returns it."""

    message_id: int
    chat_id: int
    from_bot: bool
    kind: str
    versions: list[Version]
    raw: dict[str, object]
    deleted: bool = False
    source: str = ""  # the markup it was made of, "" for plain text

    @property
    def text(self) -> str:
        return self.versions[-1].text

    @property
    def at(self) -> float:
        return self.versions[0].at

    def edit(self, text: str) -> None:
        self.versions.append(Version(text, time.time()))

    def shown_since(self, part: str) -> float | None:
        """When this part of the present text first appeared."""
        if part not in self.text:
            return None
        return next(version.at for version in self.versions if part in version.text)


@dataclass(slots=True)
class Chat:
    """One dialog of one bot."""

    chat_id: int
    kind: ChatKind = "private"
    name: str = ""
    messages: dict[int, Message] = field(default_factory=dict)
    blocked: bool = False
    left: bool = False
    migrated_to: int | None = None
    actions: int = 0
    last_message_id: int = 0
    _described: dict[str, object] = field(default_factory=dict)

    def add(self, message: Message) -> None:
        self.messages[message.message_id] = message

    def visible(self) -> list[Message]:
        return [message for message in self.messages.values() if not message.deleted]

    def described(self) -> dict[str, object]:
        """The `chat` field of its messages; one for all of them."""
        if not self._described:
            naming = "first_name" if self.kind == "private" else "title"
            self._described |= {"id": self.chat_id, naming: self.name, "type": self.kind}
        return self._described


def kind_of(chat_id: int) -> ChatKind:
    """Telegram's own numbering tells what a chat is."""
    if chat_id > 0:
        return "private"
    return "supergroup" if chat_id < -1_000_000_000_000 else "group"
