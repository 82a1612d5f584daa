"""Doorbell, relay and sweeper: what is due is rung for, what happened is told, whatever Redis forgets."""

import logging
import threading
from datetime import timedelta

import pytest
import redis
from django.db.models.functions import Now
from django.utils import timezone

from bench.simulator import Simulator
from khronos.bus import doorbell, events
from khronos.bus.relay import Relay
from khronos.bus.routes import DELIVERY_TASK, PRESS_TASK, TURN_TASK, Route
from khronos.celery import app
from khronos.conversation import sweep
from khronos.conversation.dispatcher import Dispatcher
from khronos.models import Channel, Event, Turn, Update
from tests.factories import make_turn
from tests.integration import way


def unpublished() -> int:
    return Event.objects.filter(published_at=None).count()


@pytest.mark.parametrize("route", [TURN_TASK, DELIVERY_TASK, PRESS_TASK])
def test_every_route_leads_to_a_task_in_its_queue(route: Route) -> None:
    app.loader.import_default_modules()
    assert route.task in app.tasks
    assert app.amqp.router.route({}, route.task)["queue"].name == route.queue


def test_ring_is_a_message_that_celery_understands(bus: "redis.Redis") -> None:
    done: list[int] = []
    all_done = threading.Event()

    @app.task(name="tests.ring")
    def note(ids: list[int]) -> None:
        done.extend(ids)
        if len(done) == 3:
            all_done.set()

    from celery.contrib.testing.worker import start_worker

    assert doorbell.ring(Route("tests.ring", "ops", together=2), [5, 6, 7])
    level = logging.getLogger().level  # it sets that of all loggers, and leaves it so
    with start_worker(
        app, pool="threads", queues=["ops"], perform_ping_check=False, shutdown_timeout=10, loglevel=level
    ):
        assert all_done.wait(10)
    assert sorted(done) == [5, 6, 7]
    assert doorbell.waiting_in("ops") == 0


def test_silent_broker_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbell, "broker", lambda: redis.Redis(port=1, socket_connect_timeout=0.2))
    assert doorbell.ring(TURN_TASK, [1]) is False


@pytest.mark.django_db
def test_relay_tells_what_nobody_told_once_and_marks_it(bus: "redis.Redis") -> None:
    events.record(
        [events.make("outbox.message.sent", key=f"k{n}", trace_id="t", payload={"n": n}) for n in range(3)]
    )
    assert Relay().catch_up() == 0  # a fresh event is its maker's to tell
    Event.objects.update(timestamp=Now() - timedelta(seconds=5))
    assert Relay().catch_up() == 3
    assert (unpublished(), Relay().catch_up()) == (0, 0)
    assert bus.xlen("outbox.message.sent") == 3


@pytest.mark.django_db
def test_fact_from_a_clock_that_is_ahead_is_not_told_late(bus: "redis.Redis") -> None:
    events.record([events.make("outbox.message.sent", key="k", trace_id="t", payload={})])
    Event.objects.update(timestamp=Now() + timedelta(hours=2))
    assert Relay().catch_up() == 1


@pytest.mark.django_db
def test_same_fact_is_stored_once(bus: "redis.Redis") -> None:
    for _ in range(2):
        events.record([events.make("conversation.closed", key="same", trace_id="t", payload={})])
    assert Event.objects.count() == 1


def test_dispatcher_brings_updates_from_the_stream_to_rung_tasks(
    telegram: Channel, sim: Simulator, bus: "redis.Redis"
) -> None:
    for chat in range(5):
        sim.telegram.say(chat + 1, "hi")
    way.fetch(telegram)
    dispatcher = Dispatcher()
    dispatcher.consumer.join()
    assert dispatcher.consumer.read(10) == 5
    assert Update.objects.waiting().count() == 0
    assert doorbell.waiting_in("agent.ai") == 1  # one ring names all of them
    assert Turn.objects.filter(rung_at__isnull=False).count() == 5
    assert bus.xlen("routing.handoff.requested") == 5
    dispatcher.finish()
    assert unpublished() == 0


def test_sweeper_finds_what_a_flush_made_everybody_forget(
    telegram: Channel, sim: Simulator, bus: "redis.Redis"
) -> None:
    sim.telegram.say(1, "stored, but never told")
    way.fetch(telegram)
    bus.flushall()
    assert sweep.overlooked_updates() == []
    Update.objects.update(received_at=Now() - timedelta(seconds=5))
    dispatcher = Dispatcher()
    dispatcher.sweep_updates()
    bus.flushall()  # and now the ring is lost as well
    assert sweep.ring_for_due_work() == 0  # it was rung for a moment ago
    Turn.objects.update(rung_at=Now() - timedelta(seconds=10))
    assert sweep.ring_for_due_work() == 1
    assert doorbell.waiting_in("agent.ai") == 1
    way.answer()
    assert sim.telegram.answers(1) == ["You said: stored, but never told"]


def test_backlog_is_not_rung_for_again(
    telegram: Channel, sim: Simulator, bus: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "BACKLOG", 0)
    for chat in range(4):
        sim.telegram.say(chat + 1, "hi")
    way.fetch(telegram)
    Dispatcher().dispatch(list(Update.objects.values_list("pk", flat=True)))
    Turn.objects.update(rung_at=Now() - timedelta(seconds=10))
    assert sweep.ring_for_due_work() == 0
    Turn.objects.filter(conversation__chat_id="1").update(rung_at=None)
    assert sweep.ring_for_due_work() == 1


@pytest.mark.django_db
def test_ring_that_was_lost_is_rung_again_though_a_backlog_waits(
    bus: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue goes on with those who were rung for later: who is passed over by them is in no queue."""
    monkeypatch.setattr(sweep, "BACKLOG", 0)
    now = timezone.now()
    lost, begun, queued = (make_turn(rung_at=now - timedelta(seconds=age)) for age in (60, 40, 30))
    assert doorbell.ring(TURN_TASK, [begun.pk, queued.pk])
    assert sweep.ring_for_due_work() == 0  # nobody works: all of them may be in the queue
    assert Turn.objects.claim(begun.pk, timedelta(seconds=30))
    assert sweep.ring_for_due_work() == 1
    assert sweep.ring_for_due_work() == 0
    assert Turn.objects.get(rung_at__gt=now) == lost


def test_turn_behind_another_is_not_rung_for(telegram: Channel, sim: Simulator, bus: "redis.Redis") -> None:
    from khronos.conversation import turn as turns

    sim.telegram.say(1, "first")
    way.fetch(telegram)
    way.dispatch()
    turns.claim(Turn.objects.get().pk)
    sim.telegram.say(1, "second")
    way.fetch(telegram)
    way.dispatch()
    Turn.objects.update(rung_at=None)
    assert sweep.ring_for_due_work() == 0
