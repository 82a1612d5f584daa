"""What it costs to ask why: a bounded number of questions, none of which reads a whole table."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.conversation import turn as turns
from khronos.desk.why import explain
from khronos.intake.accept import accept
from khronos.models import Channel, Turn, Update
from tests.integration import way
from tests.integration.why_scene import ANA, judged, last, say

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]
BIG = ("update", "message", "turn", "delivery", "event")
QUESTIONS_MAX = 22  # of the database, for any message; the content types of the desk's deeds among them


@contextmanager
def asked() -> Iterator[list[str]]:
    with CaptureQueriesContext(connection) as captured:
        found: list[str] = []
        yield found
        found += [query["sql"] for query in captured]


def test_many_messages_and_tries_cost_no_more_questions(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.BREAKER_LEAST_CALLS = 50
    say(sim, telegram, "hi", chat=ANA + 1)
    way.answer()
    last(ANA + 1)  # content types are remembered
    with asked() as few:
        last(ANA + 1)
    sim.models.reply("\n\n".join("x" * 3000 for _ in range(5)))
    sim.models.fail(status=529, count=4)
    say(sim, telegram, *[f"number {n}" for n in range(30)])
    for _ in range(4):
        way.hurry()
        turns.take(Turn.objects.latest("pk").pk)
    way.hurry()
    way.answer()
    with asked() as many:
        story = last()
    assert judged(story) == ("answered", "answered")
    assert len([step for step in story.steps if step.kind == "try"]) == 5
    assert len(many) == len(few) <= QUESTIONS_MAX


@pytest.mark.parametrize("state", ["answered", "waiting", "not dispatched", "quarantined", "ignored"])
def test_no_question_reads_a_whole_table(telegram: Channel, sim: Simulator, state: str) -> None:
    say(sim, telegram, "hi")
    if state == "answered":
        way.answer()
    elif state == "not dispatched":
        sim.telegram.say(ANA, "and?")
        way.fetch(telegram)
    elif state != "waiting":
        odd = b"\xff" if state == "quarantined" else b'{"update_id": 5, "poll_answer": {"poll_id": "1"}}'
        accept(telegram, odd)
        way.dispatch()
    newest = Update.objects.latest("pk")
    for reference in (newest.trace_id, newest.key, f"{ANA}/last", f"update:{newest.pk}"):
        with asked() as questions:
            explain(reference)
        assert [plan for sql in questions for plan in scans(sql)] == []


def scans(sql: str, big: Sequence[str] = BIG) -> list[str]:
    """Steps of its plan that read one of the big tables from end to end."""
    if not sql.startswith("SELECT"):
        return []
    tables = "|".join(f"khronos_{noun}" for noun in big)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            steps = [str(row[3]) for row in cursor.fetchall()]
            return [step for step in steps if re.match(rf"SCAN ({tables}|U0|U1)\b(?! USING)", step)]
        cursor.execute("SET LOCAL enable_seqscan = off")  # of a small table it is the cheapest
        cursor.execute(f"EXPLAIN {sql}")
        return [row[0] for row in cursor.fetchall() if re.search(rf"Seq Scan on ({tables})\b", row[0])]
