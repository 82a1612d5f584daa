"""What is known at the end: the simulator's ledger, the rows of the database, what the witness saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.chaos.witness import TABLE
from bench.instance import Instance
from bench.simulator import Simulator
from bench.simulator.telegram.chat import Message
from bench.simulator.telegram.ledger import Update
from bench.simulator.verdict import MARKER, Verdict, judge
from khronos.launch import state

type Screens = Mapping[tuple[str, int], Sequence[Message]]


@dataclass(frozen=True, slots=True)
class UpdateRow:
    id: int
    key: str
    raw: bytes
    state: str


@dataclass(frozen=True, slots=True)
class MessageRow:
    id: int
    conversation: str
    turn: int | None
    update: int | None
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class TurnRow:
    id: int
    conversation: str
    state: str
    is_settled: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    id: int
    conversation: str
    chat: int
    message: int
    text: str
    state: str
    is_settled: bool
    fence: int
    attempts: int
    doubtful: bool
    external_id: str
    reason: str = ""

    @property
    def markers(self) -> list[str]:
        return MARKER.findall(self.text)


@dataclass(frozen=True, slots=True)
class Breach:
    """A write that the witness saw."""

    noun: str
    row: int
    rule: str
    old_state: str
    new_state: str
    old_fence: int
    new_fence: int
    at: str


@dataclass(frozen=True, slots=True)
class Evidence:
    edits: bool
    asked: Sequence[Update]
    screens: Screens
    updates: Sequence[UpdateRow] = ()
    messages: Sequence[MessageRow] = ()
    turns: Sequence[TurnRow] = ()
    deliveries: Sequence[DeliveryRow] = ()
    breaches: Sequence[Breach] = ()
    failures: Mapping[int, Sequence[int]] = field(default_factory=dict)  # fences that failed a delivery
    processes: Mapping[str, str] = field(default_factory=dict)  # name and state

    @property
    def verdict(self) -> Verdict:
        return judge(self.asked, dict(self.screens))

    @property
    def accepted(self) -> list[Update]:
        return [update for update in self.asked if update.accepted_at is not None]


def collect(world: Simulator, khronos: Instance, *, edits: bool) -> Evidence:
    sql = khronos.sql
    turns = "SELECT id, conversation_id, state, due_at IS NULL, reason FROM khronos_turn"
    return Evidence(
        edits=edits,
        asked=world.telegram.updates(),
        screens=world.telegram.screens(),
        updates=[UpdateRow(*row) for row in sql("SELECT id, key, raw, state FROM khronos_update")],
        messages=[
            MessageRow(*row)
            for row in sql(
                "SELECT id, conversation_id, turn_id, update_id, author, text FROM khronos_message"
            )
        ],
        turns=[TurnRow(pk, chat, state, bool(ended), why) for pk, chat, state, ended, why in sql(turns)],
        deliveries=deliveries(khronos),
        breaches=[
            Breach(*row)
            for row in sql(
                f"SELECT noun, row_id, rule, old_state, new_state, old_fence, new_fence, at FROM {TABLE}"
            )
        ],
        failures=failures(khronos),
        processes={entry.name: entry.state for entry in state.load(khronos.home)},
    )


def deliveries(khronos: Instance) -> list[DeliveryRow]:
    query = (
        "SELECT d.id, d.conversation_id, c.chat_id, d.message_id, d.text, d.state, d.due_at IS NULL, d.fence,"
        " d.attempts, d.doubtful, d.external_id, d.reason"
        " FROM khronos_delivery d JOIN khronos_conversation c ON c.id = d.conversation_id"
    )
    return [
        DeliveryRow(pk, chat, int(where), message, text, state, bool(ended), fence, tries, bool(doubt), *rest)
        for pk, chat, where, message, text, state, ended, fence, tries, doubt, *rest in khronos.sql(query)
    ]


def failures(khronos: Instance) -> dict[int, list[int]]:
    """The key of each event `outbox.message.failed` names its delivery and the fence of who told it."""
    found: dict[int, list[int]] = {}
    for (key,) in khronos.sql(
        "SELECT idempotency_key FROM khronos_event WHERE type = 'outbox.message.failed'"
    ):
        _failed, delivery, fence = key.split(":")
        found.setdefault(int(delivery), []).append(int(fence))
    return found
