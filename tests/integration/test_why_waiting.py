"""Why a message is not answered yet: a person, a pause, a model, a limit, or nobody is there."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.conversation import handoff, pausing
from khronos.conversation import turn as turns
from khronos.delivery.outbox import enqueue
from khronos.delivery.send import send_all
from khronos.desk.why import explain
from khronos.guards.breakers import breaker
from khronos.intake.accept import accept
from khronos.models import Channel, Conversation, Message, Pause, Turn
from khronos.models.pause import Pausable
from khronos.observability import heartbeat
from tests import factories as make
from tests.integration import way
from tests.integration.test_intake import update
from tests.integration.why_scene import ANA, BEN, alive, judged, kinds, last, say

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]


# Not yet: a person, a pause


@pytest.mark.parametrize("what", ["queue", "tenant", "channel", "conversation"])
def test_paused_names_who_paused_what(telegram: Channel, sim: Simulator, what: str) -> None:
    say(sim, telegram, "hi")
    known: dict[str, Pausable] = {
        "queue": "agent.ai",
        "tenant": telegram.tenant,
        "channel": telegram,
        "conversation": Conversation.objects.get(),
    }
    pausing.pause(known[what], "olga")
    way.answer()
    story = last()
    assert judged(story) == ("waiting", "paused")
    assert "by olga" in story.verdict.text
    assert kinds(story)[-1] == "waiting"
    pausing.resume(known[what], "olga")
    way.answer()
    assert judged(last()) == ("answered", "answered")


def test_paused_sending_keeps_an_answer_that_is_written(telegram: Channel, sim: Simulator) -> None:
    pausing.pause(Pause.Queue.DELIVERY, "olga")
    say(sim, telegram, "hi")
    way.answer()
    story = last()
    assert judged(story) == ("waiting", "paused")
    assert story.verdict.text.startswith("The answer is written, but not shown yet. Paused for ")
    assert "answered" in kinds(story)


def test_handed_to_a_queue_and_then_answered_by_a_person(telegram: Channel, sim: Simulator) -> None:
    queue = make.make_queue(tenant=telegram.tenant, name="Support")
    say(sim, telegram, "hi")
    talk = Conversation.objects.get()
    handoff.hand_off(talk, queue, by="rita")
    story = last()
    assert judged(story) == ("waiting", "queue")
    assert story.verdict.text == "Not answered yet. Waits for a person in “Support”."
    assert "handoff" in kinds(story)
    say(sim, telegram, "anybody?")
    assert judged(last()) == ("waiting", "queue")
    rita = make.make_user(username="rita")
    handoff.claim(Conversation.objects.get(), rita)
    assert judged(last()) == ("waiting", "person")
    assert last().verdict.text == "Not answered yet. rita answers; the assistant is silent."
    said = Message.objects.create(conversation=talk, author="operator", operator=rita, text="Here I am")
    talk.refresh_from_db()
    send_all(enqueue(talk, said, way.under("trace-of-rita")), talk)
    assert sim.telegram.answers(ANA) == ["Here I am"]
    assert judged(last()) == ("answered", "person")
    assert last().verdict.text.startswith("Answered by rita after ")
    assert sim.models.calls() == []


def test_what_people_do_after_the_answer_is_another_story(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    way.answer()
    handoff.close(Conversation.objects.get(), by="rita")
    assert judged(last()) == ("answered", "answered")
    assert "closed" not in kinds(last())


def test_closed_before_its_answer(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    handoff.close(Conversation.objects.get(), by="rita")
    assert judged(last()) == ("never", "closed")
    assert "conversation closed by rita" in [step.text for step in last().steps]


# Not yet: models, limits


def test_open_breaker_is_named_with_its_age(telegram: Channel, sim: Simulator) -> None:
    breaker("anthropic").force_open()
    say(sim, telegram, "hi")
    turns.take(Turn.objects.get().pk)
    Turn.objects.update(due_at=Turn.objects.get().created_at + timedelta(hours=1))
    story = last()
    assert judged(story) == ("waiting", "breaker")
    assert "The breaker of anthropic is open for " in story.verdict.text
    assert "The next try is in " in story.verdict.text
    assert "The contact was told to wait." in story.verdict.also
    assert sim.models.calls() == []


@pytest.mark.parametrize(("status", "reason"), [(529, "away"), (401, "operator")])
def test_model_that_fails_is_told_with_its_own_words(
    telegram: Channel, sim: Simulator, settings: Settings, status: int, reason: str
) -> None:
    settings.PARK_MIN_S = settings.PARK_MAX_S = 60
    sim.models.fail(status=status)
    say(sim, telegram, "hi")
    way.answer()
    story = last()
    assert judged(story) == ("waiting", reason)
    assert f": {status} " in story.verdict.text
    tried = [step for step in story.steps if step.kind == "try"]
    assert len(tried) == 1
    assert "put off for" in tried[0].text
    assert [(offer.noun, offer.action) for offer in story.offers] == [("turn", "ring_again")]


def test_429_of_a_model_is_a_limit_of_the_other_side(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    settings.PARK_MAX_S = 60
    sim.models.fail(status=429, retry_after=30, count=1)
    say(sim, telegram, "hi")
    way.answer()
    assert judged(last()) == ("waiting", "throttled")
    assert "The next try is in 3" in last().verdict.text


def test_own_limit_is_named(telegram: Channel, sim: Simulator, settings: Settings) -> None:
    settings.PROVIDER_REQUESTS_PER_MINUTE, settings.CHOSEN_CEILINGS = {"anthropic": 1}, {"anthropic"}
    say(sim, telegram, "hi", chat=BEN)
    say(sim, telegram, "hi")
    way.answer()
    assert judged(last()) == ("waiting", "limit")
    assert "anthropic is asked as often as it may be" in last().verdict.text
    assert judged(last(BEN)) == ("answered", "answered")


def test_flood_of_a_contact(telegram: Channel, sim: Simulator, settings: Settings) -> None:
    settings.CONTACT_MESSAGES_PER_MINUTE = 2
    say(sim, telegram, "one", "two", "three")
    way.answer()
    assert judged(last()) == ("waiting", "flood")
    assert sim.models.calls() == []


def test_turn_behind_another_waits_for_it(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "first")
    ahead = turns.claim(Turn.objects.get().pk)
    say(sim, telegram, "second")
    assert ahead is not None
    assert judged(last()) == ("waiting", "order")
    assert f"Turn {ahead.pk} of this conversation comes first" in last().verdict.text
    assert judged(explain(f"turn:{ahead.pk}")) == ("waiting", "working")


# Not yet: somebody is missing


def test_waiting_for_the_dispatcher(telegram: Channel, sim: Simulator) -> None:
    accept(telegram, update(5), way.under("not-dispatched"))
    assert judged(explain("not-dispatched")) == ("waiting", "no_dispatcher")
    alive("dispatcher")
    assert judged(explain("not-dispatched")) == ("waiting", "dispatching")
    assert kinds(explain("not-dispatched")) == ["received"]


def test_no_agent_is_alive(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    assert judged(last()) == ("waiting", "no_agent")
    alive("agent")
    assert judged(last()) == ("waiting", "due")
    assert "waits for a free worker. It was rung for " in last().verdict.text


def test_worker_that_died_over_it_is_named(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    assert turns.claim(Turn.objects.get().pk) is not None
    assert judged(last()) == ("waiting", "working")
    way.hurry()
    assert judged(last()) == ("waiting", "lost")


def test_silent_valkey_leaves_it_open_who_is_alive(
    telegram: Channel, sim: Simulator, settings: Settings
) -> None:
    say(sim, telegram, "hi")
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    heartbeat.client.cache_clear()
    try:
        assert judged(last()) == ("waiting", "no_valkey")
    finally:
        heartbeat.client.cache_clear()
