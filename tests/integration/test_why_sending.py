"""Why an answer that is written was not shown, or was shown late."""

import pytest
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.desk.why import explain
from khronos.desk.why.life import MANY
from khronos.guards.breakers import breaker
from khronos.models import Channel, Message, Update
from tests.integration import way
from tests.integration.why_scene import ANA, judged, kinds, last, say

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]


def test_delivery_that_must_wait_says_for_what(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.fail(status=429, method="sendMessage", retry_after=30, count=1)
    say(sim, telegram, "hi")
    way.answer()
    story = last()
    assert judged(story) == ("waiting", "throttled")
    assert story.verdict.text.startswith("The answer is written, but not shown yet.")
    assert [(offer.noun, offer.action) for offer in story.offers] == [("delivery", "send_now")]
    way.hurry()
    way.answer()
    assert judged(last()) == ("answered", "answered")
    shown = next(step.text for step in last().steps if step.kind == "sent")
    assert "2 tries" in shown
    assert "may have been shown twice" not in shown


def test_pacing_and_order_of_deliveries(telegram: Channel, sim: Simulator, settings: Settings) -> None:
    settings.TELEGRAM_CHAT_SPACING_MS = 60_000
    for text in ("one", "two", "three"):
        say(sim, telegram, text)
        way.answer()
    said = Message.objects.filter(author="contact").order_by("pk")
    told = [judged(explain(str(message.pk))) for message in said]
    assert told == [("answered", "answered"), ("waiting", "limit"), ("waiting", "order")]


def test_breaker_of_telegram(telegram: Channel, sim: Simulator) -> None:
    breaker("telegram").force_open()
    say(sim, telegram, "hi")
    way.answer()
    assert judged(last()) == ("waiting", "breaker")
    assert "The breaker of telegram is open for " in last().verdict.text


def test_failed_delivery_and_its_dead_letter(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.fail(status=400, method="sendMessage", description="Bad Request: chat not found")
    say(sim, telegram, "hi")
    way.answer()
    story = last()
    assert judged(story) == ("never", "failed")
    assert "chat not found" in story.verdict.text
    assert [line.startswith("Dead letter ") for line in story.verdict.also] == [True]
    assert {"failed", "buried"} <= set(kinds(story))
    assert [(offer.noun, offer.action) for offer in story.offers] == [("delivery", "send_again")]


def test_doubtful_delivery_is_sent_once_more_and_says_so(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.fail("lost", method="sendMessage", count=1)
    say(sim, telegram, "hi")
    way.answer()
    assert judged(last()) == ("waiting", "doubtful")
    way.hurry()
    way.answer()
    assert judged(last()) == ("answered", "answered")
    assert last().verdict.also == ["1 delivery may have been shown twice."]


def test_contact_who_blocked_us(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.say(ANA, "hi")
    sim.telegram.block(ANA)
    way.all_the_way(telegram)
    story = last()
    assert judged(story) == ("never", "blocked")
    assert "buried" not in kinds(story)
    left = Update.objects.order_by("-pk")[0]
    assert judged(explain(f"update:{left.pk}")) == ("needless", "blocked")


def test_answer_to_more_questions_than_are_told_of_has_its_fate(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.fail(status=400, method="sendMessage")
    say(sim, telegram, *[f"number {n}" for n in range(MANY + 1)])
    way.answer()
    story = last()
    assert judged(story) == ("never", "failed")
    assert len(story.rows["deliveries"]) == 1
