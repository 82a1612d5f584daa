"""Each invariant is seen to fail on evidence that breaks it, and to hold on the same evidence unbroken."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from bench.chaos import witness
from bench.chaos.evidence import Breach, DeliveryRow, Evidence, MessageRow, TurnRow, UpdateRow
from bench.chaos.invariants import INVARIANTS, examine
from bench.simulator.telegram.chat import Message, Version
from bench.simulator.telegram.ledger import Update

TOKEN, CHAT, HOME = "1:simulated", 11, "aa"


def asked(number: int, chat: int = CHAT) -> Update:
    text = f"Is it open? {marker(number)}"
    queue = ("message", chat)
    return Update(
        number,
        TOKEN,
        chat,
        "message",
        queue,
        b"{%d}" % number,
        text,
        99.0,
        state="accepted",
        accepted_at=100.0,
    )


def marker(number: int) -> str:
    return f"[c01-m{number:02d}]"


def shown(message_id: int, *numbers: int, chat: int = CHAT) -> Message:
    text = " ".join(marker(number) for number in numbers)
    return Message(message_id, chat, True, "text", [Version(text, 101.0)], {})


def sent(number: int) -> DeliveryRow:
    """The delivery of the answer to a question, that is message 50 + its number on the screen."""
    return DeliveryRow(
        id=number, conversation=HOME, chat=CHAT, message=20 + number, text=f"Yes. {marker(number)}",
        state="sent", is_settled=True, fence=1, attempts=1, doubtful=False, external_id=str(50 + number),
    )  # fmt: skip


GOOD = Evidence(
    edits=True,
    asked=[asked(1), asked(2)],
    screens={(TOKEN, CHAT): [shown(51, 1), shown(52, 2)]},
    updates=[UpdateRow(number, str(number), b"{%d}" % number, "dispatched") for number in (1, 2)],
    messages=[
        *(MessageRow(10 + number, HOME, number, number, "contact", marker(number)) for number in (1, 2)),
        *(MessageRow(20 + number, HOME, number, None, "bot", marker(number)) for number in (1, 2)),
    ],
    turns=[TurnRow(number, HOME, "answered", True) for number in (1, 2)],
    deliveries=[sent(1), sent(2)],
    processes={"web": "running"},
)

SENT = replace(GOOD, edits=False)
REPEATED = {(TOKEN, CHAT): [shown(51, 1), shown(52, 2), shown(53, 2)]}
DOUBTFUL = replace(sent(2), doubtful=True, attempts=2, fence=2)
FAILED = replace(DOUBTFUL, state="failed", external_id="")
ONE_SHOWN = {(TOKEN, CHAT): [shown(51, 1)]}


def broken(evidence: Evidence) -> dict[str, int]:
    """How many breaches of which invariants."""
    return {each.name: len(each.breaches) for each in examine(evidence) if not each.holds}


@pytest.mark.parametrize("evidence", [GOOD, SENT], ids=["edit", "send"])
def test_good_evidence_breaks_nothing(evidence: Evidence) -> None:
    assert broken(evidence) == {}


STORED, FINAL, ONCE, ORDER, CHATS, FENCE, PROCESSES = INVARIANTS

BAD = {
    "no row": (replace(GOOD, updates=GOOD.updates[:1]), {STORED: 1}),
    "two rows": (replace(GOOD, updates=[*GOOD.updates, replace(GOOD.updates[1])]), {STORED: 1}),
    "other bytes": (replace(GOOD, updates=[GOOD.updates[0], replace(GOOD.updates[1], raw=b"")]), {STORED: 1}),
    "nothing on the screen": (replace(GOOD, screens=ONE_SHOWN), {FINAL: 1, FENCE: 1}),
    "update waits": (
        replace(GOOD, updates=[GOOD.updates[0], replace(GOOD.updates[1], state="received")]), {FINAL: 1},
    ),
    "no message": (replace(GOOD, messages=[GOOD.messages[0], *GOOD.messages[2:]]), {FINAL: 1}),
    "turn waits": (
        replace(GOOD, turns=[GOOD.turns[0], TurnRow(2, HOME, "working", False)]), {FINAL: 1, FENCE: 1},
    ),
    "turn buried": (
        replace(GOOD, turns=[GOOD.turns[0], TurnRow(2, HOME, "buried", True)], messages=GOOD.messages[:3]),
        {FINAL: 1, CHATS: 1},
    ),
    "delivery waits": (
        replace(GOOD, deliveries=[sent(1), replace(sent(2), is_settled=False, state="sending")]), {FINAL: 1},
    ),
    "delivery failed for sure": (
        replace(SENT, deliveries=[sent(1), replace(sent(2), state="failed")], failures={2: [1]}), {FINAL: 1},
    ),
    "given up with edits": (
        replace(GOOD, deliveries=[sent(1), FAILED], screens=ONE_SHOWN, failures={2: [2]}),
        {FINAL: 2, ONCE: 1},
    ),
    "repeated with edits": (replace(GOOD, screens=REPEATED), {ONCE: 1}),
    "doubtful with edits": (replace(GOOD, deliveries=[sent(1), DOUBTFUL]), {ONCE: 1}),
    "repeated without a doubt": (replace(SENT, screens=REPEATED), {ONCE: 1}),
    "repeated, doubtful, never sending before": (
        replace(SENT, screens=REPEATED, deliveries=[sent(1), replace(DOUBTFUL, attempts=1)]), {ONCE: 1},
    ),
    "two answers of a turn": (
        replace(GOOD, messages=[*GOOD.messages, MessageRow(30, HOME, 2, None, "bot", "")]), {ONCE: 1},
    ),
    "shown in another order": (
        replace(GOOD, screens={(TOKEN, CHAT): [shown(52, 2), shown(51, 1)]}), {ORDER: 1},
    ),
    "stored in another order": (
        replace(GOOD, updates=[replace(GOOD.updates[0], key="2", raw=b"{2}"),
                               replace(GOOD.updates[1], key="1", raw=b"{1}")]), {ORDER: 1},
    ),
    "gathered in another order": (
        replace(GOOD, messages=[replace(GOOD.messages[0], turn=2), replace(GOOD.messages[1], turn=1),
                                *GOOD.messages[2:]]), {ORDER: 1},
    ),
    "delivered in another order": (
        replace(GOOD, deliveries=[replace(sent(1), id=2), replace(sent(2), id=1)]), {ORDER: 1},
    ),
    "shown to another": (
        replace(GOOD, screens={**GOOD.screens, (TOKEN, 12): [shown(60, 1, chat=12)]}), {CHATS: 1},
    ),
    "turn of another": (
        replace(GOOD, messages=[replace(GOOD.messages[0], conversation="bb"), *GOOD.messages[1:]]),
        {CHATS: 1},
    ),
    "delivery of another": (
        replace(GOOD, deliveries=[sent(1), replace(sent(2), conversation="bb")]), {CHATS: 1},
    ),
    "seen by the witness": (
        replace(GOOD, breaches=[Breach("turn", 1, "settled, …", "answered", "answered", 2, 2, "")]),
        {FENCE: 1},
    ),
    "answer of a turn that is not answered": (
        replace(GOOD, turns=[GOOD.turns[0], TurnRow(2, HOME, "silent", True)]), {FINAL: 1, FENCE: 1},
    ),
    "failed by a fence that was over": (
        replace(SENT, deliveries=[sent(1), FAILED], screens=ONE_SHOWN, failures={2: [1]}), {FENCE: 1},
    ),
    "failed and sent": (replace(GOOD, failures={2: [1]}), {FENCE: 1}),
    "failed and nobody told": (
        replace(SENT, deliveries=[sent(1), FAILED], screens=ONE_SHOWN), {FENCE: 1},
    ),
    "another message overwrote its id": (
        replace(GOOD, deliveries=[sent(1), replace(sent(2), external_id="51")]), {FENCE: 1},
    ),
    "down": (replace(GOOD, processes={"web": "running", "beat": "failed"}), {PROCESSES: 1}),
    "all down": (replace(GOOD, processes={}), {PROCESSES: 1}),
}  # fmt: skip


@pytest.mark.parametrize(("evidence", "expected"), BAD.values(), ids=BAD)
def test_what_is_broken_is_named(evidence: Evidence, expected: dict[str, int]) -> None:
    assert broken(evidence) == expected


def test_every_invariant_was_seen_to_fail() -> None:
    assert {name for _, expected in BAD.values() for name in expected} == set(INVARIANTS)


def test_a_repeat_of_what_was_left_in_sending_is_no_breach_without_edits() -> None:
    assert broken(replace(SENT, screens=REPEATED, deliveries=[sent(1), DOUBTFUL])) == {}


def test_what_was_twice_uncertain_may_be_given_up_without_edits() -> None:
    given_up = replace(SENT, deliveries=[sent(1), FAILED], screens=ONE_SHOWN, failures={2: [2]})
    assert broken(given_up) == {}


# The witness

PAST, FUTURE = "2001-01-01 00:00:00.000", "2101-01-01 00:00:00.000000"
CLAIM = "state = 'working', fence = fence + 1, attempts = attempts + 1, due_at = ?"


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for noun, ended_at in (("turn", "answered_at"), ("delivery", "sent_at")):
            connection.execute(
                f"CREATE TABLE khronos_{noun} (id integer PRIMARY KEY, state text, fence integer DEFAULT 0,"
                f" attempts integer DEFAULT 0, reason text, due_at text, rung_at text, {ended_at} text)"
            )
        witness.install(connection.execute)
        yield connection


def turn(database: sqlite3.Connection, state: str, due_at: str | None) -> None:
    database.execute("INSERT INTO khronos_turn (id, state, due_at) VALUES (1, ?, ?)", (state, due_at))


def seen(database: sqlite3.Connection) -> list[str]:
    return [rule for (rule,) in database.execute(f"SELECT rule FROM {witness.TABLE}")]


def test_the_witness_has_nothing_to_say_of_a_turn_that_is_parked_and_answered(
    database: sqlite3.Connection,
) -> None:
    turn(database, "waiting", PAST)
    for change in (
        "rung_at = 'now'",
        CLAIM.replace("?", f"'{FUTURE}'"),
        f"state = 'parked', due_at = '{PAST}'",
        CLAIM.replace("?", f"'{PAST}'"),
        CLAIM.replace("?", f"'{FUTURE}'"),
        "state = 'answered', due_at = NULL, answered_at = 'now'",
        "rung_at = 'later'",
    ):
        database.execute(f"UPDATE khronos_turn SET {change}")
    assert seen(database) == []


@pytest.mark.parametrize(
    ("state", "due_at", "change", "rule"),
    [
        ("answered", None, "answered_at = 'again'", "settled, and written again"),
        ("answered", None, f"state = 'parked', due_at = '{FUTURE}'", "settled, and written again"),
        ("working", FUTURE, "fence = fence - 1", "its fence went back or jumped"),
        ("working", PAST, "fence = fence + 2", "its fence went back or jumped"),
        ("working", FUTURE, "fence = fence + 1", "taken while somebody's lease ran"),
        ("waiting", PAST, "state = 'working'", "taken without a new fence"),
        ("waiting", PAST, "state = 'answered', due_at = NULL", "settled while nobody held it"),
    ],
)
def test_the_witness_notes_whoever_was_not_entitled(
    database: sqlite3.Connection, state: str, due_at: str | None, change: str, rule: str
) -> None:
    turn(database, state, due_at)
    database.execute(f"UPDATE khronos_turn SET {change}")
    assert seen(database) == [rule]


def test_the_witness_looks_at_deliveries_too(database: sqlite3.Connection) -> None:
    database.execute("INSERT INTO khronos_delivery (id, state, due_at) VALUES (1, 'pending', ?)", (PAST,))
    database.execute("UPDATE khronos_delivery SET state = 'sent', due_at = NULL, sent_at = 'now'")
    database.execute("UPDATE khronos_delivery SET sent_at = 'again'")
    assert seen(database) == ["settled while nobody held it", "settled, and written again"]
