"""What the dashboard tells of the last hour, and of what it cost today."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from khronos.desk.dashboard import hour, usage
from khronos.models import Conversation, Event, Message, Update, UsageDay
from khronos.models.usage import FIGURES
from khronos.usage import ledger
from tests import factories as make

NOON = datetime(2026, 11, 20, 12, 0, 20, tzinfo=timezone.get_fixed_timezone(0))


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> datetime:
    monkeypatch.setattr(timezone, "now", lambda: NOON)
    return NOON


# The last hour


def answered(
    talk: Conversation, asked_at: datetime, took_s: float, author: str = "bot", part: int = 0
) -> None:
    """A message that came in then, and what went out for it."""
    update = make.make_update(
        channel=talk.channel, conversation_id=talk.pk, received_at=asked_at, state=Update.State.DISPATCHED
    )
    tell(Event.Type.MESSAGE_RECEIVED, asked_at, update.trace_id, {"update_id": update.pk})
    say(talk, asked_at + timedelta(seconds=took_s), update.trace_id, author, part)


def say(talk: Conversation, at: datetime, trace_id: str, author: str, part: int = 0) -> None:
    said = make.make_message(conversation=talk, author=author)
    tell(Event.Type.MESSAGE_SENT, at, trace_id, {"message_id": said.pk, "part": part, "delivery_id": 1})


def tell(type_: str, at: datetime, trace_id: str, payload: dict[str, object]) -> None:
    make.make_event(type=type_, timestamp=at, trace_id=trace_id, payload=payload)


def known(looked: hour.Hour) -> dict[str, Any]:
    """The whole hour: a slow machine needs several looks at first."""
    for _ in range(hour.MINUTES):
        if (said := looked.look())["minutes"] == hour.MINUTES:
            return said
    raise AssertionError("the hour is never known")


@pytest.mark.django_db
def test_the_last_hour_is_counted_minute_by_minute(noon: datetime) -> None:
    talk = make.make_conversation()
    before = timedelta(minutes=1)
    answered(talk, noon - 61 * before, 1.0)  # too long ago
    for number in range(19):
        answered(talk, noon - 30 * before, 0.1 + number / 1000)
    answered(talk, noon - 5 * before, 12.3)
    answered(talk, noon - timedelta(seconds=3), 2.0, part=1)  # of an answer in parts the first counts
    said = known(hour.Hour())
    assert (said["minutes"], len(said["received"]), len(said["answered"])) == (60, 60, 60)
    assert (sum(said["received"]), said["received"][29], said["received"][54], said["received"][59]) == (
        21,
        19,
        1,
        1,
    )
    assert (sum(said["answered"]), said["answered"][29], said["answered"][54]) == (20, 19, 1)
    assert (said["p50_ms"], said["p95_ms"]) == (110, 120)


@pytest.mark.django_db
def test_the_slowest_answer_is_seen_in_the_ninety_fifth_of_a_hundred(noon: datetime) -> None:
    talk = make.make_conversation()
    for took_s in (0.02, 0.05, 3.4):
        answered(talk, noon - timedelta(minutes=10), took_s)
    said = known(hour.Hour())
    assert (said["p50_ms"], said["p95_ms"]) == (50, 3400)


@pytest.mark.django_db
def test_words_to_wait_and_answers_by_people_are_no_answers_of_the_assistant(noon: datetime) -> None:
    talk = make.make_conversation()
    asked_at = noon - timedelta(minutes=2)
    answered(talk, asked_at, 0.5, author=Message.Author.SYSTEM)
    answered(talk, asked_at, 0.5, author=Message.Author.OPERATOR)
    say(talk, asked_at, "without-a-question", Message.Author.BOT)
    said = known(hour.Hour())
    assert (sum(said["received"]), sum(said["answered"]), said["p50_ms"], said["p95_ms"]) == (
        2,
        0,
        None,
        None,
    )


@pytest.mark.django_db
def test_a_minute_that_is_over_is_read_once(
    noon: datetime, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    talk = make.make_conversation()
    answered(talk, noon - timedelta(minutes=20), 1.0)
    looked = hour.Hour()
    assert sum(known(looked)["answered"]) == 1
    answered(talk, noon - timedelta(seconds=2), 1.0)
    with django_assert_max_num_queries(3):
        said = looked.look()
    assert (sum(said["answered"]), said["answered"][-1]) == (2, 1)


@pytest.mark.django_db
def test_what_is_sent_at_the_end_of_a_minute_is_still_counted_after_it(
    noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = make.make_conversation()
    looked = hour.Hour()
    monkeypatch.setattr(timezone, "now", lambda: noon.replace(minute=1, second=5))
    assert sum(known(looked)["answered"]) == 0
    answered(talk, noon.replace(second=58), 1.0)
    said = looked.look()
    assert said["answered"][-2:] == [1, 0]


# Cost


@pytest.mark.django_db
def test_cost_is_of_today_and_by_model(noon: datetime) -> None:
    def paid(model: str, hours_ago: int, micros: int) -> None:
        call = make.make_usage(model=model, at=noon - timedelta(hours=hours_ago))
        figures = {"input_tokens": 1000, "output_tokens": 500, "micros": micros}
        UsageDay.objects.add(ledger.key_of(call), 1, dict.fromkeys(FIGURES, 0) | figures)

    paid("claude-sonnet-5-5", 1, 10_000_000)
    paid("claude-sonnet-5-5", 11, 500_000)
    paid("claude-sonnet-5-5", 13, 7_000_000)  # yesterday, in UTC
    paid("a-model-of-tomorrow", 1, 20)
    assert usage.look() == {
        "models": [
            {
                "model": "claude-sonnet-5-5",
                "calls": 2,
                "input_tokens": 2000,
                "output_tokens": 1000,
                "cost": 10.5,
                "is_priced": True,
            },
            {
                "model": "a-model-of-tomorrow",
                "calls": 1,
                "input_tokens": 1000,
                "output_tokens": 500,
                "cost": 0.0,
                "is_priced": False,
            },
        ],
        "cost": 10.5,
    }
