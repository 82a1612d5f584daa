"""Telegram's limits on sending. Breaches are always counted; whether they are refused is a setting."""

import math
import time
from collections import Counter
from dataclasses import dataclass

from bench.simulator.telegram.chat import Chat
from bench.simulator.window import Window

COUNTED = ("send", "edit", "copy", "forward")


@dataclass(slots=True)
class Limits:
    """The published figures. A chat may run ahead of its one a second by a short burst."""

    enforced: bool = False
    bot_per_second: int = 30
    chat_per_second: float = 1.0
    chat_burst: int = 3
    group_per_minute: int = 20
    edition: int = 0

    def set(self, other: "Limits") -> None:
        """Become like the other; whoever keeps windows begins anew."""
        self.enforced = other.enforced
        self.bot_per_second = other.bot_per_second
        self.chat_per_second = other.chat_per_second
        self.chat_burst = other.chat_burst
        self.group_per_minute = other.group_per_minute
        self.edition += 1


class Pace:
    """The pace of one bot, in all and in each chat."""

    def __init__(self, limits: Limits, violations: Counter[str]) -> None:
        self._limits = limits
        self._violations = violations
        self._begin()

    def _begin(self) -> None:
        self._edition = self._limits.edition
        self._bot = Window(self._limits.bot_per_second, 1.0)
        self._chats: dict[int, Window] = {}
        self._groups: dict[int, Window] = {}

    def take(self, method: str, chat: Chat | None) -> int:
        """Count one call; the seconds to wait when it is refused, else 0."""
        if not method.startswith(COUNTED) or method == "sendChatAction":
            return 0
        if self._edition != self._limits.edition:
            self._begin()
        now = time.monotonic()
        windows = self._windows(chat)
        waits = {name: window.wait(now) for name, window in windows.items()}
        for name, wait in waits.items():
            if wait > 0:
                self._violations[name] += 1
        longest = max(waits.values())
        if longest > 0 and self._limits.enforced:
            return math.ceil(longest)
        for window in windows.values():
            window.add(now)
        return 0

    def _windows(self, chat: Chat | None) -> dict[str, Window]:
        windows = {"bot": self._bot}
        if chat is None:
            return windows
        limits = self._limits
        if chat.chat_id not in self._chats:
            seconds = limits.chat_burst / limits.chat_per_second
            self._chats[chat.chat_id] = Window(limits.chat_burst, seconds)
        windows["chat"] = self._chats[chat.chat_id]
        if chat.kind != "private":
            if chat.chat_id not in self._groups:
                self._groups[chat.chat_id] = Window(limits.group_per_minute, 60.0)
            windows["group"] = self._groups[chat.chat_id]
        return windows
