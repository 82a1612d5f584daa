"""Why a message was answered, or was not: each verdict, from a situation that the real code came to."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from bench.simulator import Simulator
from khronos.conversation import arrivals, handoff, pausing
from khronos.conversation import turn as turns
from khronos.delivery.outbox import enqueue
from khronos.delivery.send import send_all
from khronos.desk.why import Story, Unknown, explain
from khronos.guards.breakers import breaker
from khronos.intake.accept import accept
from khronos.models import Channel, Conversation, Delivery, Message, Pause, Turn, Update
from khronos.models.pause import Pausable
from khronos.observability import heartbeat
from tests import factories as make
from tests.integration import way
from tests.integration.test_intake import update

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]
ANA, BEN, GROUP = 7, 8, -50


def say(sim: Simulator, channel: Channel, *texts: str, chat: int = ANA, **more: Any) -> None:
    for text in texts:
        sim.telegram.say(chat, text, **more)
    way.fetch(channel)
    way.dispatch()


def last(chat: int = ANA) -> Story:
    return explain(f"{chat}/last")


def judged(story: Story) -> tuple[str, str]:
    return story.verdict.outcome, story.verdict.reason


def kinds(story: Story) -> list[str]:
    return [step.kind for step in story.steps]


def alive(*roles: str) -> None:
    """As if processes of these roles had given a sign of life."""
    heartbeat.last_beats.clear()
    for role in roles:
        heartbeat.beat(role)


# Answered


def test_answered_message_tells_each_step_in_order(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "what time is it?")
    way.answer()
    story = last()
    assert judged(story) == ("answered", "answered")
    assert story.verdict.text.startswith("Answered after ")
    assert [kind for kind in kinds(story) if kind != "waited"] == [
        "received",
        "dispatched",
        "turn",
        "try",
        "thought",
        "answered",
        "sent",
    ]
    assert (story.offers, story.verdict.also) == ([], [])
    tried = next(step for step in story.steps if step.kind == "try")
    assert tried.text.startswith("try 1 by ")
    assert 0 < tried.took_s <= story.span_s


def test_messages_of_one_turn_are_told_of_one_another(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "one", "two", "three")
    way.answer()
    first, second, third = Message.objects.filter(author="contact").order_by("pk")
    story = explain(str(second.pk))
    joined = next(step.text for step in story.steps if step.kind == "turn")
    assert joined == f"joined turn {second.turn_id}, answered together with messages {first.pk}, {third.pk}"
    assert judged(story) == ("answered", "answered")
    assert second.update is not None
    assert story.trace_id == second.update.trace_id
    assert len([step for step in story.steps if step.kind == "sent"]) == 1


def test_command_is_answered_without_a_model(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "/help")
    way.answer()
    assert judged(last()) == ("answered", "command")
    assert "thought" not in kinds(last())


def test_what_cannot_be_heard_is_answered_without_a_model(telegram: Channel, sim: Simulator) -> None:
    sim.telegram.voice(ANA)
    way.all_the_way(telegram)
    assert judged(last()) == ("answered", "canned")


def test_edit_before_the_answer_says_so_and_needs_none_of_its_own(telegram: Channel, sim: Simulator) -> None:
    said = sim.telegram.say(ANA, "wrong words")
    way.fetch(telegram)
    way.dispatch()
    assert said.message_id is not None
    sim.telegram.edit(ANA, said.message_id, "right words")
    way.all_the_way(telegram)
    story = last()
    assert judged(story) == ("answered", "answered")
    assert story.verdict.also == ["It was edited before its answer, which is to the edited words."]
    assert "edited" in kinds(story)
    edit = Update.objects.order_by("-pk")[0]
    assert judged(explain(f"update:{edit.pk}")) == ("needless", "edit")


def test_edit_after_the_answer_is_not_answered_again(telegram: Channel, sim: Simulator) -> None:
    said = sim.telegram.say(ANA, "wrong words")
    way.all_the_way(telegram)
    assert said.message_id is not None
    sim.telegram.edit(ANA, said.message_id, "right words")
    way.all_the_way(telegram)
    assert last().verdict.also == ["It was edited after its answer; an edit is not answered again."]


def test_talk_among_people_of_a_group_needs_no_answer(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "lunch?", chat=GROUP, sender=ANA)
    assert judged(last(GROUP)) == ("needless", "chatter")
    assert kinds(last(GROUP)) == ["received", "dispatched"]


def test_update_of_a_kind_that_nobody_answers_says_so(telegram: Channel) -> None:
    accept(telegram, b'{"update_id": 5, "poll_answer": {"poll_id": "1"}}', "trace-of-a-poll")
    way.dispatch()
    assert judged(explain("trace-of-a-poll")) == ("needless", "ignored")


def test_repeat_is_led_to_what_it_repeats(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    stored = Update.objects.get()
    for trace_id in ("the-second", "the-third"):
        assert not accept(telegram, bytes(stored.raw), trace_id).is_new
    way.answer()
    first, third = explain(stored.trace_id), explain("the-third")
    assert judged(first) == ("answered", "answered")
    assert "it came again 2 times, and was stored once" in first.steps[0].text
    assert judged(third) == ("needless", "duplicate")
    assert third.verdict.text.endswith(first.verdict.text)
    assert third.rows == first.rows
    assert len(sim.telegram.answers(ANA)) == 1


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
    send_all(enqueue(talk, said, "trace-of-rita"), talk)
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
    accept(telegram, update(5), "not-dispatched")
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


# Sending


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


# Never


def test_turn_that_killed_its_workers_was_given_up(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "poison")
    pk = Turn.objects.get().pk
    for _ in range(3):
        assert turns.claim(pk) is not None
        way.hurry()
    way.answer()
    story = last()
    assert judged(story) == ("never", "buried")
    assert "3 workers died or failed over it" in story.verdict.text
    assert {"try", "buried", "told", "sent"} <= set(kinds(story))
    assert "answered" not in kinds(story)
    assert any("3 workers died or froze over it" in step.text for step in story.steps)
    assert [(offer.noun, offer.action) for offer in story.offers] == [("turn", "answer_again")]


def test_what_nobody_understands_is_in_quarantine(telegram: Channel) -> None:
    accept(telegram, b"what nobody can read", "odd-trace")
    way.dispatch()
    story = explain("odd-trace")
    assert judged(story) == ("never", "quarantined")
    assert kinds(story) == ["received", "quarantined"]
    assert [(offer.noun, offer.action) for offer in story.offers] == [("quarantined", "read_again")]


def test_our_own_fault_is_told_with_its_words(
    telegram: Channel, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim.telegram.say(ANA, "hi")
    way.fetch(telegram)
    with monkeypatch.context() as broken:
        broken.setattr(arrivals, "message", lambda *_: 1 / 0)
        way.dispatch()
    story = explain(Update.objects.get().trace_id)
    assert judged(story) == ("never", "quarantined")
    assert "ZeroDivisionError" in story.verdict.text


def test_nothing_that_is_known(telegram: Channel) -> None:
    for reference in ("", "12", "turn:12", "7/1", "f" * 32, "never-heard", "7/last", str(telegram.pk) * 18):
        with pytest.raises(Unknown, match="What may be given"):
            explain(reference)
    assert not Delivery.objects.exists()
