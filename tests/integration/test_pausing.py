"""What is paused waits and is not lost; resumed, all of it goes on at once, in order, exactly once."""

import json
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import IntegrityError, transaction
from django.utils import timezone

from bench.simulator import Simulator
from khronos.bus import doorbell
from khronos.bus.routes import DELIVERY_TASK, TURN_TASK
from khronos.conversation import pausing, sweep
from khronos.conversation import turn as turns
from khronos.delivery import send
from khronos.models import (
    Alert,
    Channel,
    Conversation,
    Delivery,
    Event,
    Message,
    Pause,
    Tenant,
    Turn,
)
from khronos.models.pause import HELD_BY, Pausable
from tests import factories as make
from tests.integration import way

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]
ANA, BOB = 7, 8
LONG_AGO = timedelta(minutes=5)


def say(sim: Simulator, channel: Channel, *texts: str, chat: int = ANA) -> None:
    for text in texts:
        sim.telegram.say(chat, text)
    way.fetch(channel)
    way.dispatch()


def rung(bus: "redis.Redis") -> dict[str, list[int]]:
    """The rows that rings in each queue name, in the order in which workers take them."""
    found: dict[str, list[int]] = {}
    for route in (TURN_TASK, DELIVERY_TASK):
        entries: Any = bus.lrange(route.queue, 0, -1)
        named = [json.loads(entry)["headers"]["argsrepr"] for entry in reversed(entries)]
        found[route.queue] = [int(pk) for each in named for pk in each.strip("([],)").split(",")]
    return found


@pytest.fixture(params=["queue", "tenant", "channel", "conversation"])
def what(request: pytest.FixtureRequest, telegram: Channel, sim: Simulator) -> Pausable:
    """Each thing that can be paused, over one conversation that was answered once."""
    say(sim, telegram, "good morning")
    way.answer()
    known: dict[str, Pausable] = {
        "queue": "agent.ai",
        "tenant": telegram.tenant,
        "channel": telegram,
        "conversation": Conversation.objects.get(),
    }
    return known[request.param]


def test_what_is_paused_is_stored_and_answered_in_order_after_it(
    what: Pausable, telegram: Channel, sim: Simulator
) -> None:
    assert pausing.pause(what, "olga")
    say(sim, telegram, "one", "two")
    way.answer()
    say(sim, telegram, "three")
    way.hurry()
    way.answer()
    assert sim.telegram.answers(ANA) == ["You said: good morning"]
    assert len(sim.models.calls()) == 1
    assert Message.objects.filter(author="contact").count() == 4
    assert pausing.resume(what, "olga") == pausing.Held(turns=1, deliveries=0)
    way.answer()
    way.hurry()
    way.answer()
    assert sim.telegram.answers(ANA) == ["You said: good morning", "You said: one\ntwo\nthree"]
    assert not Turn.objects.unsettled().exists()


def test_a_pause_in_the_middle_of_a_burst_stops_at_once_and_loses_nothing(
    telegram: Channel, sim: Simulator
) -> None:
    chats = range(20, 40)
    for chat in chats:
        sim.telegram.say(chat, "hello")
    way.fetch(telegram)
    way.dispatch()
    taken = list(way.due())
    early = set(Turn.objects.filter(pk__in=taken[:8]).values_list("conversation__chat_id", flat=True))
    for pk in taken[:8]:
        turns.take(pk)
    pausing.pause(telegram, "olga")
    for pk in taken[8:]:  # their rings were on the way
        turns.take(pk)
    for chat in chats:
        sim.telegram.say(chat, "still there?")
    way.fetch(telegram)
    way.dispatch()
    way.hurry()
    way.answer()
    assert sum(len(sim.telegram.answers(chat)) for chat in chats) == 8
    assert not Delivery.objects.unsettled().exists()
    assert pausing.resume(telegram, "olga") == pausing.Held(turns=20, deliveries=0)
    way.answer()
    for chat in chats:
        each, together = ["You said: hello", "You said: still there?"], ["You said: hello\nstill there?"]
        assert sim.telegram.answers(chat) == (each if str(chat) in early else together)


def test_a_pause_of_one_channel_does_not_touch_another(telegram: Channel, sim: Simulator) -> None:
    other = make.make_channel(tenant=telegram.tenant)
    pausing.pause(other, "olga")
    held = make.make_turn(conversation=make.make_conversation(channel=other))
    say(sim, telegram, "hi")
    way.answer()
    assert sim.telegram.answers(ANA) == ["You said: hi"]
    held.refresh_from_db()
    assert (held.state, held.attempts) == (Turn.State.WAITING, 0)


def test_a_pause_of_one_conversation_does_not_touch_another(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    pausing.pause(Conversation.objects.get(), "olga")
    say(sim, telegram, "hello", chat=BOB)
    way.answer()
    assert (sim.telegram.answers(ANA), sim.telegram.answers(BOB)) == ([], ["You said: hello"])


def test_a_turn_under_way_finishes(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    turn = turns.claim(Turn.objects.get().pk)
    assert turn is not None
    talk = Conversation.objects.get()
    pausing.pause(talk, "olga")
    pausing.pause("agent.ai", "olga")
    say(sim, telegram, "and?")
    deliveries = turns.work_on(turn)
    send.send_all(deliveries, turn.conversation)
    turns.go_on(turn)
    way.answer()
    assert sim.telegram.answers(ANA) == ["You said: hi"]
    pausing.resume("agent.ai", "olga")
    way.answer()
    assert len(sim.telegram.answers(ANA)) == 1  # the conversation's own pause holds it still
    pausing.resume(talk, "olga")
    way.answer()
    assert sim.telegram.answers(ANA) == ["You said: hi", "You said: and?"]


@pytest.mark.parametrize("by", ["queue", "channel", "tenant"])
def test_answers_of_a_paused_delivery_are_stored_and_sent_after_it(
    telegram: Channel, sim: Simulator, by: str
) -> None:
    what: dict[str, Pausable] = {"queue": "delivery", "channel": telegram, "tenant": telegram.tenant}
    say(sim, telegram, "one")
    turn = turns.claim(Turn.objects.get().pk)
    assert turn is not None
    pausing.pause(what[by], "olga")
    send.send_all(turns.work_on(turn), turn.conversation)
    if by == "queue":  # answering goes on
        say(sim, telegram, "two")
        way.answer()
    stored = list(Delivery.objects.order_by("pk").values_list("text", "state", "attempts"))
    assert stored == [(f"You said: {text}", "pending", 0) for text in ["one", "two"][: len(stored)]]
    assert len(stored) == (2 if by == "queue" else 1)
    assert sim.telegram.answers(ANA) == []
    assert sim.telegram.calls("sendMessage") == []
    assert pausing.resume(what[by], "olga") == pausing.Held(turns=0, deliveries=1)  # the others follow it
    way.answer()
    assert sim.telegram.answers(ANA) == [text for text, _state, _attempts in stored]
    assert Delivery.objects.filter(state=Delivery.State.SENT, doubtful=False).count() == len(stored)


def test_what_a_person_says_in_a_paused_conversation_is_sent(telegram: Channel, sim: Simulator) -> None:
    say(sim, telegram, "hi")
    talk = Conversation.objects.get()
    pausing.pause(talk, "olga")
    delivery = make.make_delivery(conversation=talk)
    way.answer()
    assert sim.telegram.answers(ANA) == [delivery.text]
    assert sim.models.calls() == []


def test_the_sweeper_rings_nothing_that_is_paused(bus: "redis.Redis") -> None:
    channel = make.make_channel()
    held = make.make_turn(conversation=make.make_conversation(channel=channel))
    unsent = make.make_delivery(conversation=make.make_conversation(channel=channel))
    crashed = make.make_turn(
        conversation=make.make_conversation(channel=channel), state=Turn.State.WORKING, attempts=1
    )
    free, open_ = make.make_turn(), make.make_delivery()
    pausing.pause(channel, "olga")
    bus.flushall()
    assert sweep.ring_for_due_work() == 2
    assert rung(bus) == {"agent.ai": [free.pk], "delivery": [open_.pk]}
    bus.flushall()
    assert pausing.resume(channel, "olga") == pausing.Held(turns=2, deliveries=1)
    assert rung(bus) == {"agent.ai": [held.pk, crashed.pk], "delivery": [unsent.pk]}


def test_resuming_rings_for_more_than_one_sweep_and_for_what_was_rung_before(
    bus: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MOST", 3)
    monkeypatch.setattr(sweep, "BACKLOG", 0)
    channel = make.make_channel()
    start = timezone.now() - LONG_AGO
    waiting = [
        make.make_turn(
            conversation=make.make_conversation(channel=channel),
            due_at=start + timedelta(seconds=n),
            rung_at=start,
        )
        for n in range(8)
    ]
    later = make.make_turn(
        conversation=make.make_conversation(channel=channel), due_at=timezone.now() + LONG_AGO, rung_at=start
    )
    pausing.pause(channel, "olga")
    bus.flushall()
    assert pausing.resume(channel, "olga") == pausing.Held(turns=8, deliveries=0)
    assert rung(bus)["agent.ai"] == [turn.pk for turn in waiting]
    later.refresh_from_db()
    assert later.rung_at == start


def test_what_cannot_be_rung_for_is_found_by_the_sweeper(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = make.make_turn(rung_at=timezone.now())
    pausing.pause("agent.ai", "olga")
    with monkeypatch.context() as away:
        away.setattr(doorbell, "ring", lambda route, ids: False)
        assert pausing.resume("agent.ai", "olga") == pausing.Held(turns=0, deliveries=0)
    assert sweep.ring_for_due_work() == 1
    turn.refresh_from_db()
    assert turn.rung_at is not None


def test_two_pauses_hold_until_both_are_over() -> None:
    turn = make.make_turn()
    channel = turn.conversation.channel
    pausing.pause(channel, "olga")
    pausing.pause("agent.ai", "rita")
    assert pausing.resume(channel, "olga") == pausing.Held(turns=0, deliveries=0)
    assert turn not in Turn.objects.due()
    assert pausing.resume("agent.ai", "rita") == pausing.Held(turns=1, deliveries=0)
    assert turn in Turn.objects.due()


def test_pausing_and_resuming_twice_is_as_once() -> None:
    channel = make.make_channel()
    assert [pausing.pause(channel, "olga"), pausing.pause(channel, "rita")] == [True, False]
    assert Pause.objects.get().by == "olga"
    assert pausing.resume(channel, "olga") is not None
    assert pausing.resume(channel, "rita") is None
    assert not Pause.objects.exists()


def test_a_pause_is_of_exactly_one_thing() -> None:
    channel = make.make_channel()
    for columns in ({}, {"channel": channel, "tenant": channel.tenant}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Pause.objects.create(by="olga", **columns)


def test_every_queue_with_rows_can_be_paused() -> None:
    assert {TURN_TASK.queue, DELIVERY_TASK.queue} == set(HELD_BY) <= set(Pause.Queue.values)


def test_an_alert_tells_of_a_pause_until_it_is_over() -> None:
    channel = make.make_channel(slug="bakery")
    for _ in range(2):  # within the ten seconds in which `resolve_alert` would not look again
        pausing.pause(channel, "olga")
        alert = Alert.objects.get(resolved_at=None)
        assert (alert.name, alert.level) == ("paused.channel.bakery", Alert.Level.INFO)
        assert "olga" in alert.text
        pausing.resume(channel, "olga")
        assert not Alert.objects.filter(resolved_at=None).exists()
    assert Alert.objects.count() == 1


def test_how_much_waits_counts_no_work_under_way() -> None:
    channel = make.make_channel()
    make.make_turn(conversation=make.make_conversation(channel=channel))
    make.make_turn(conversation=make.make_conversation(channel=channel), state=Turn.State.PARKED)
    make.make_turn(
        conversation=make.make_conversation(channel=channel),
        state=Turn.State.WORKING,
        due_at=timezone.now() + LONG_AGO,
    )
    make.make_turn(conversation=make.make_conversation(channel=channel), state=Turn.State.ANSWERED)
    make.make_delivery(conversation=make.make_conversation(channel=channel))
    make.make_turn()
    pausing.pause(channel, "olga")
    assert pausing.waiting(Pause.objects.get()) == pausing.Held(turns=2, deliveries=1)


def test_a_pause_tells_the_contact_nothing_and_makes_no_event(telegram: Channel, sim: Simulator) -> None:
    pausing.pause(telegram, "olga")
    say(sim, telegram, "hi")
    way.answer()
    assert sim.telegram.calls("sendMessage") == []
    assert {event.type for event in Event.objects.all()} == {
        "inbox.message.received",
        "routing.handoff.requested",
    }


def test_a_deleted_conversation_takes_its_pause_along() -> None:
    talk = make.make_conversation()
    pausing.pause(talk, "olga")
    talk.delete()
    assert not Pause.objects.exists()


def test_tenants_do_not_pause_each_other() -> None:
    ours, theirs = make.make_turn(), make.make_turn()
    pausing.pause(Tenant.objects.get(pk=ours.conversation.tenant_id), "olga")
    assert list(Turn.objects.due()) == [theirs]
