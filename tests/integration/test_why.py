"""Why a message was answered, or never is: each verdict, from a situation that the real code came to."""

from datetime import timedelta

import pytest
from django.db.models import F

from bench.simulator import Simulator
from khronos.conversation import arrivals
from khronos.conversation import turn as turns
from khronos.desk.why import Unknown, explain
from khronos.intake.accept import accept
from khronos.models import Channel, Delivery, Message, Turn, Update
from tests.integration import way
from tests.integration.why_scene import ANA, BEN, GROUP, judged, kinds, last, say

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]


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
    accept(telegram, b'{"update_id": 5, "poll_answer": {"poll_id": "1"}}', way.under("trace-of-a-poll"))
    way.dispatch()
    assert judged(explain("trace-of-a-poll")) == ("needless", "ignored")


def test_repeat_is_led_to_what_it_repeats(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    stored = Update.objects.get()
    for trace_id in ("the-second", "the-third"):
        assert not accept(telegram, bytes(stored.raw), way.under(trace_id)).is_new
    way.answer()
    first, third = explain(stored.trace_id), explain("the-third")
    assert judged(first) == ("answered", "answered")
    assert "it came again 2 times, and was stored once" in first.steps[0].text
    assert judged(third) == ("needless", "duplicate")
    assert third.verdict.text.endswith(first.verdict.text)
    assert third.rows == first.rows
    assert len(sim.telegram.answers(ANA)) == 1


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
    accept(telegram, b"what nobody can read", way.under("odd-trace"))
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


def test_last_is_what_was_said_last_wherever_that_was(telegram: Channel, sim: Simulator) -> None:
    with pytest.raises(Unknown):
        explain("last")
    say(sim, telegram, "first")
    say(sim, telegram, "and I", chat=BEN)
    way.answer()
    assert explain("last").said == "and I"
    assert explain(f"{ANA}/last").said == "first"


def test_nothing_is_shown_before_it_was_written(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hello")
    way.answer()
    Delivery.objects.update(sent_at=F("created_at") - timedelta(milliseconds=1))  # of two clocks
    [sent] = [step.text for step in last().steps if step.kind == "sent"]
    assert sent.endswith("after 0 ms")
