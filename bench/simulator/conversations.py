"""Many people who write to a bot: who says what, and when. Seeded, so that a run can be repeated."""

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from bench.simulator.telegram import Telegram
from bench.simulator.telegram.ledger import Update

Arrival = Literal["burst", "paced", "random"]
FIRST_CHAT_ID = 100_001
LINES_A_BREATH = 50  # then the loop may serve others

TEXTS = (
    "Qual é o horário de funcionamento?",
    "Meu pedido ainda não chegou, pode verificar?",
    "Como faço para trocar um produto com defeito?",
    "Vocês entregam em Belo Horizonte? Quanto custa?",
    "Preciso da segunda via da nota fiscal.",
    "Obrigado! E o prazo, continua o mesmo?",
    "What are your opening hours?",
    "My order has not arrived yet, can you check?",
    "How do I exchange a faulty product?",
    "Do you ship to Lisbon, and what does it cost?",
    "I need a copy of the invoice.",
    "Thank you! Is the delivery date still the same?",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One message to come. The marker is in the text, and nowhere else."""

    at: float
    chat_id: int
    marker: str
    text: str


@dataclass(slots=True)
class Performance:
    """A plan being carried out. `updates` is keyed by marker."""

    expected: int
    started_at: float = field(default_factory=time.time)
    updates: dict[str, Update] = field(default_factory=dict)

    @property
    def said(self) -> bool:
        return len(self.updates) == self.expected

    @property
    def settled(self) -> bool:
        """Everything is said, and the bot has accepted it (or delivery was given up)."""
        return self.said and all(update.state != "pending" for update in self.updates.values())


def write(
    chats: int,
    messages: int,
    *,
    arrival: Arrival = "burst",
    rate: float = 100.0,
    seed: int = 0,
    tag: str = "",
    first_chat_id: int = FIRST_CHAT_ID,
) -> list[Line]:
    """`messages` in each of `chats`: all at once, `rate` a second in turn, or as a Poisson process.

    Give each plan of one run its own `tag` (letters), so that markers stay unique.
    """
    chance = random.Random(seed)
    said = [0] * chats
    lines = []
    for at, chat in _arrivals(chats, messages, arrival, rate, chance):
        said[chat] += 1
        marker = f"[{tag}c{chat + 1:02d}-m{said[chat]:02d}]"
        lines.append(Line(at, first_chat_id + chat, marker, f"{chance.choice(TEXTS)} {marker}"))
    return lines


def _arrivals(
    chats: int, messages: int, arrival: Arrival, rate: float, chance: random.Random
) -> Iterator[tuple[float, int]]:
    turns = [chat for _ in range(messages) for chat in range(chats)]
    if arrival == "random":
        chance.shuffle(turns)
    at = 0.0
    for chat in turns:
        yield at, chat
        if arrival == "paced":
            at += 1 / rate
        elif arrival == "random":
            at += chance.expovariate(rate)


async def perform(telegram: Telegram, lines: list[Line], performance: Performance, token: str | None) -> None:
    """Say each line at its time. Runs in the simulator's loop."""
    start = time.monotonic()
    for number, line in enumerate(lines):
        wait = start + line.at - time.monotonic()
        if wait > 0 or number % LINES_A_BREATH == 0:
            await asyncio.sleep(max(0.0, wait))
        performance.updates[line.marker] = telegram.say(line.chat_id, line.text, token=token)
    telegram.home.changed()
