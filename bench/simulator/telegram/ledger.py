"""What happened: every call of a bot, every update and each attempt to deliver it."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

UpdateState = Literal["pending", "accepted", "dropped"]
type QueueKey = tuple[str, int]


@dataclass(slots=True)
class Call:
    """One request to the Bot API. `outcome` is "ok", "<code> <description>" or "fault:<kind>"; with a fault
    that strikes after the work, `done` is still true."""

    at: float
    token: str
    method: str
    chat_id: int | None
    text: str
    message_id: int | None = None
    outcome: str = "ok"
    done: bool = False
    via_webhook: bool = False


@dataclass(slots=True)
class Attempt:
    """One delivery of an update: the status of the answer, or the error that came instead of one."""

    at: float
    status: int | None
    error: str
    seconds: float


@dataclass(slots=True)
class Update:
    """One update and what became of it. `accepted_at` is the first 2xx, or when an offset passed it."""

    update_id: int
    token: str
    chat_id: int
    kind: str
    queue: QueueKey
    body: bytes
    text: str
    pushed_at: float
    message_id: int | None = None
    attempts: list[Attempt] = field(default_factory=list)
    state: UpdateState = "pending"
    accepted_at: float | None = None

    def attempted(self, status: int | None, error: str, started: float) -> None:
        now = time.time()
        self.attempts.append(Attempt(started, status, error, now - started))
        if status is not None and 200 <= status < 300:
            self.accept(now)

    def accept(self, now: float) -> None:
        if self.accepted_at is None:
            self.accepted_at = now


@dataclass(slots=True)
class Ledger:
    """All of it, in order."""

    calls: list[Call] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    violations: Counter[str] = field(default_factory=Counter)

    def clear(self) -> None:
        self.calls.clear()
        self.updates.clear()
        self.violations.clear()
