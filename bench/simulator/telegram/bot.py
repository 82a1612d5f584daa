"""A bot: its token, its chats, its webhook, and the updates that wait for it."""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from bench.simulator.telegram.chat import Chat, kind_of
from bench.simulator.telegram.ledger import Update

DEFAULT_TOKEN = "1000000001:simulated-bot-of-the-test-bench-000"
FIRST_UPDATE_ID = 700_000_001
TOKEN = re.compile(r"[1-9]\d*:[A-Za-z0-9_-]+")

# Without allowed_updates Telegram sends everything but these.
OPT_IN = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that getFile knows and the download address serves."""

    file_id: str
    path: str
    content: bytes | None  # None: Telegram has it no more
    size: int = 0

    def described(self) -> dict[str, object]:
        unique = self.file_id[-12:]
        return {"file_id": self.file_id, "file_unique_id": unique, "file_size": self.size}


@dataclass(slots=True)
class Webhook:
    """Where updates are pushed. `secret` is sent with each one."""

    url: str
    secret: str = ""
    max_connections: int = 40
    last_error_at: int | None = None
    last_error: str = ""


@dataclass(slots=True)
class Bot:
    """One account. Pending updates are kept in the order of their ids."""

    token: str
    username: str
    chats: dict[int, Chat] = field(default_factory=dict)
    pending: dict[int, Update] = field(default_factory=dict)
    webhook: Webhook | None = None
    allowed_updates: frozenset[str] = frozenset()
    commands: dict[str, list[Any]] = field(default_factory=dict)  # by language
    open_queries: set[str] = field(default_factory=set)
    files: dict[str, StoredFile] = field(default_factory=dict)
    next_update_id: int = FIRST_UPDATE_ID
    last_message_id: int = 0
    _described: dict[str, object] = field(default_factory=dict)

    @property
    def bot_id(self) -> int:
        return int(self.token.split(":", 1)[0])

    def described(self) -> dict[str, object]:
        """The `from` field of its messages; one for all of them."""
        if not self._described:
            self._described |= {"id": self.bot_id, "is_bot": True, "first_name": "Simulated"}
            self._described["username"] = self.username
        return self._described

    def wants(self, kind: str) -> bool:
        return kind in self.allowed_updates if self.allowed_updates else kind not in OPT_IN

    def open_chat(self, chat_id: int, name: str = "") -> Chat:
        """The chat, made if it is new."""
        chat = self.chats.get(chat_id)
        if chat is None:
            chat = Chat(chat_id, kind_of(chat_id), name or _name(chat_id))
            self.chats[chat_id] = chat
        return chat

    def store_file(self, folder: str, name: str, content: bytes) -> StoredFile:
        number = len(self.files) + 1
        stored = StoredFile(
            f"SIM-{folder}-{number:08d}", f"{folder}/file_{number}{_suffix(name)}", content, len(content)
        )
        self.files[stored.file_id] = stored
        return stored

    def lose_file(self, file_id: str) -> None:
        """Nobody gets it any more."""
        self.files[file_id] = replace(self.files[file_id], content=None)

    def new_message_id(self, chat: Chat) -> int:
        """A supergroup counts its own messages; all other chats of a bot share one count."""
        if chat.kind == "supergroup":
            chat.last_message_id += 1
            return chat.last_message_id
        self.last_message_id += 1
        return self.last_message_id


def _name(chat_id: int) -> str:
    return f"Person {chat_id}" if chat_id > 0 else f"Group {-chat_id}"


def _suffix(name: str) -> str:
    return "." + name.rsplit(".", 1)[1] if "." in name else ""
