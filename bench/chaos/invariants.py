"""What must hold whatever breaks. Each is looked for in the database and in the simulator's ledger."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from bench.chaos.evidence import DeliveryRow, Evidence
from bench.simulator.verdict import MARKER

type Look = Callable[[Evidence], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant, and whatever speaks against it."""

    name: str
    breaches: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.breaches


def stored(evidence: Evidence) -> Iterator[str]:
    """Byte for byte, and once."""
    rows = defaultdict(list)
    for row in evidence.updates:
        rows[row.key].append(row)
    for update in evidence.accepted:
        found = rows[str(update.update_id)]
        if len(found) != 1:
            yield f"update {update.update_id} was accepted and has {len(found)} rows: {update.text}"
        elif bytes(found[0].raw) != update.body:
            yield f"update {update.update_id} was stored otherwise than it was sent"


def final(evidence: Evidence) -> Iterator[str]:
    """Answered; in `send` mode also given up openly, where nobody can know whether it arrived."""
    openly = {marker for row in given_up(evidence) for marker in row.markers}
    for marker in evidence.verdict.lost:
        if marker not in openly:
            yield f"{marker} was accepted and is not answered"
    turns = {turn.id: turn for turn in evidence.turns}
    messages = {row.update: row for row in evidence.messages if row.update is not None}
    for update in evidence.updates:
        message = messages.get(update.id)
        if update.state != "dispatched":
            yield f"update {update.id} is {update.state}"
        elif message is None or message.turn not in turns:
            yield f"update {update.id} has no message, or its message no turn"
    for turn in evidence.turns:
        if not turn.is_settled or turn.state != "answered":
            yield f"turn {turn.id} is {turn.state}: {turn.reason}"
    allowed = {row.id for row in given_up(evidence)}
    for row in evidence.deliveries:
        if not row.is_settled or (row.state != "sent" and row.id not in allowed):
            yield f"delivery {row.id} is {row.state}: {row.reason}"


def once(evidence: Evidence) -> Iterator[str]:
    """A repeat is only what a worker left in `sending`, and says so; with edits there is none."""
    doubtful = [row for row in evidence.deliveries if row.doubtful]
    if evidence.edits:
        yield from (f"delivery {row.id} is doubtful, and edits need no doubt" for row in doubtful)
    known = {marker for row in doubtful if row.attempts > 1 for marker in row.markers}
    for marker in evidence.verdict.repeated:
        if evidence.edits or marker not in known:
            yield f"{marker} is answered more than once"
    answers = Counter(row.turn for row in evidence.messages if row.author == "bot")
    for turn, count in answers.items():
        if count > 1:
            yield f"turn {turn} has {count} answers"


def ordered(evidence: Evidence) -> Iterator[str]:
    """As asked in the ledger, so in the rows, in the turns, in the deliveries, and on the screen."""
    yield from (f"{marker} is answered after a later one" for marker in evidence.verdict.out_of_order)
    row_of = {row.key: row.id for row in evidence.updates}
    rows = defaultdict(list)
    for update in evidence.accepted:
        if pk := row_of.get(str(update.update_id)):
            rows[update.chat_id].append(pk)
    yield from falling("rows of chat", rows)
    asked, answered = defaultdict(list), defaultdict(list)
    for message in sorted(evidence.messages, key=lambda row: row.update or 0):
        if message.update is not None and message.turn is not None:
            asked[message.conversation].append(message.turn)
    turn_of = {message.id: message.turn for message in evidence.messages}
    for delivery in sorted(evidence.deliveries, key=lambda row: row.id):
        if (turn := turn_of.get(delivery.message)) is not None:
            answered[delivery.conversation].append(turn)
    yield from falling("questions' turns of conversation", asked)
    yield from falling("deliveries' turns of conversation", answered)


def falling[K](what: str, lists: dict[K, list[int]]) -> Iterator[str]:
    for key, numbers in lists.items():
        for earlier, later in pairwise(numbers):
            if later < earlier:
                yield f"{what} {key} are out of order: {later} after {earlier}"


def directed(evidence: Evidence) -> Iterator[str]:
    yield from (f"{marker} is shown where it was not asked" for marker in evidence.verdict.misdirected)
    home = {turn.id: turn.conversation for turn in evidence.turns}
    of = {message.id: message.conversation for message in evidence.messages}
    for message in evidence.messages:
        if message.turn in home and message.conversation != home[message.turn]:
            yield f"message {message.id} is of another conversation than its turn {message.turn}"
    for delivery in evidence.deliveries:
        if delivery.conversation != of.get(delivery.message):
            yield f"delivery {delivery.id} is of another conversation than its message"


def fenced(evidence: Evidence) -> Iterator[str]:
    """No write by who had lost the work. The witness saw each one as it was made."""
    for seen in evidence.breaches:
        yield (
            f"{seen.noun} {seen.row} at {seen.at}: {seen.rule}"
            f" ({seen.old_state} {seen.old_fence} → {seen.new_state} {seen.new_fence})"
        )
    state = {turn.id: turn.state for turn in evidence.turns}
    for message in evidence.messages:
        if message.author == "bot" and state.get(message.turn or 0) != "answered":
            yield f"turn {message.turn} is {state.get(message.turn or 0)}, and has an answer all the same"
    for delivery in evidence.deliveries:
        told = evidence.failures.get(delivery.id, ())
        if [*told] != ([delivery.fence] if delivery.state == "failed" else []):
            yield f"delivery {delivery.id} is {delivery.state} at fence {delivery.fence}; failed at {told}"
    yield from unseen(evidence)


def unseen(evidence: Evidence) -> Iterator[str]:
    """A row names the very message that shows its text; who overwrites it names another, or none."""
    shown = {
        (chat, str(message.message_id)): set(MARKER.findall(message.text))
        for (_token, chat), screen in evidence.screens.items()
        for message in screen
    }
    for row in evidence.deliveries:
        on_screen = shown.get((row.chat, row.external_id))
        if row.state == "sent" and (on_screen is None or not set(row.markers) <= on_screen):
            yield f"delivery {row.id} was sent as message {row.external_id or '?'}, which does not show it"


def recovered(evidence: Evidence) -> Iterator[str]:
    for name, state in evidence.processes.items():
        if state != "running":
            yield f"{name} is {state}"
    if not evidence.processes:
        yield "nothing runs"


def given_up(evidence: Evidence) -> list[DeliveryRow]:
    """Twice uncertain, and marked so: an operator decides. Never with edits."""
    if evidence.edits:
        return []
    return [row for row in evidence.deliveries if row.state == "failed" and row.doubtful and row.attempts > 1]


INVARIANTS: dict[str, Look] = {
    "every 200 has a row": stored,
    "every message reaches its end": final,
    "every message is answered once": once,
    "every conversation keeps its order": ordered,
    "every answer is in its own chat": directed,
    "no write without the fence": fenced,
    "every process runs again": recovered,
}


def examine(evidence: Evidence) -> list[Finding]:
    return [Finding(name, tuple(look(evidence))) for name, look in INVARIANTS.items()]
