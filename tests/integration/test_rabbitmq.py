"""The doorbell over RabbitMQ: rung is what the broker confirmed, and nobody waits for one that does not."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from celery import Celery
from django.db.models.functions import Now
from kombu import Connection
from pytest_django import Settings

from khronos.bus import doorbell
from khronos.bus.celery_amqp import BoundedTransport
from khronos.bus.confirmed import CALL_S, CONNECT_S, REST_S, Bell
from khronos.bus.routes import DELIVERY_TASK, TURN_TASK, Route
from khronos.celery import app
from khronos.conversation import sweep
from khronos.models import Turn
from khronos.resilience.rest import Rest
from tests.factories import make_turn
from tests.integration.rabbitmq_stage import VHOST, ready, waiting
from tests.rabbitmq import RabbitMQ
from tests.stopwatch import Stopwatch

QUEUES = ("agent.ai", "delivery", "ops")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bell(
    rabbitmq: RabbitMQ, clock: Clock, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bell]:
    """The doorbell's own, on an empty broker; its rests end when the test says so."""
    url = settings.CELERY_BROKER_URL = rabbitmq.url(VHOST)
    connection = Connection(url, transport=BoundedTransport, connect_timeout=CONNECT_S)
    bell = Bell(connection, app.amqp.queues, Rest(REST_S, clock))
    monkeypatch.setattr(doorbell, "bell", lambda: bell)
    for queue in QUEUES:
        bell.waiting_in(queue)
        with rabbitmq.connection(VHOST) as wire:
            wire.channel().queue_delete(queue)
    yield bell
    bell.close()


def test_ring_is_the_very_message_that_celery_would_send(bell: Bell, rabbitmq: RabbitMQ) -> None:
    celery = Celery("tests", broker=rabbitmq.url(VHOST), set_as_current=False)
    celery.conf.update(task_queues=app.conf.task_queues)
    celery.send_task("tests.ring", args=([5, 6],), queue="ops", ignore_result=True)
    assert doorbell.ring(Route("tests.ring", "ops", together=2), [5, 6, 7])
    assert waiting(rabbitmq, "ops") == doorbell.waiting_in("ops") == 3
    theirs, ours, rest = (taken(rabbitmq, "ops") for _ in range(3))
    assert orjson.loads(ours.body) == orjson.loads(theirs.body)
    assert orjson.loads(rest.body)[0] == [[7]]
    for name in ("content_type", "content_encoding", "delivery_mode"):
        assert ours.properties[name] == theirs.properties[name]
    assert ours.properties["correlation_id"] == ours.headers["id"] == ours.headers["root_id"]
    made = {"id", "root_id", "origin", "argsrepr", "kwargsrepr"}
    assert told(ours, made) == told(theirs, made)


def taken(rabbitmq: RabbitMQ, queue: str) -> Any:
    with rabbitmq.connection(VHOST) as wire:
        return wire.channel().basic_get(queue, no_ack=True)


def told(message: Any, but: set[str]) -> dict[str, Any]:
    return {name: value for name, value in message.headers.items() if name not in but}


def test_job_without_a_row_is_called_without_arguments(bell: Bell, rabbitmq: RabbitMQ) -> None:
    assert doorbell.call("tasks.ops.sweep", "ops")
    message = taken(rabbitmq, "ops")
    assert message.body.startswith("[[],{},")
    assert message.properties["application_headers"]["task"] == "tasks.ops.sweep"


def test_confirmed_rings_outlive_a_kill_of_the_broker(bell: Bell, rabbitmq: RabbitMQ) -> None:
    assert doorbell.ring(TURN_TASK, list(range(40)))
    rabbitmq.kill()
    rabbitmq.start()
    assert waiting(rabbitmq) == 3  # 16 turns a ring
    assert doorbell.ring(TURN_TASK, [41])  # the line is another one
    assert waiting(rabbitmq) == 4


def test_frozen_broker_is_given_up_then_left_alone_then_asked_again(
    bell: Bell, rabbitmq: RabbitMQ, clock: Clock
) -> None:
    assert doorbell.ring(TURN_TASK, [1])
    rabbitmq.freeze()
    try:
        with Stopwatch() as watch:
            assert doorbell.ring(TURN_TASK, [2]) is False
        assert watch.took_s < CALL_S + 0.5
        with Stopwatch() as watch:
            for _ in range(100):
                assert doorbell.ring(TURN_TASK, [3]) is False
        assert watch.took_s < 0.5
    finally:
        rabbitmq.thaw()
    clock.now = REST_S - 0.01
    assert doorbell.ring(TURN_TASK, [4]) is False
    clock.now = REST_S
    assert doorbell.ring(TURN_TASK, [5])
    assert waiting(rabbitmq) in (2, 3)  # 1, 5, and 2 where the system had brought it before


def test_many_who_ring_a_frozen_broker_wait_once_together(bell: Bell, rabbitmq: RabbitMQ) -> None:
    assert doorbell.ring(TURN_TASK, [1])
    rang: list[bool] = []
    threads = [threading.Thread(target=lambda: rang.append(doorbell.ring(TURN_TASK, [2]))) for _ in range(20)]
    rabbitmq.freeze()
    try:
        with Stopwatch() as watch:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert watch.took_s < CALL_S + 1
    finally:
        rabbitmq.thaw()
    assert rang == [False] * 20


def test_many_ring_over_one_line_and_all_of_it_arrives(bell: Bell, rabbitmq: RabbitMQ) -> None:
    def ring(first: int) -> None:
        for number in range(25):
            assert doorbell.ring(TURN_TASK, [first + number])

    threads = [threading.Thread(target=ring, args=[number * 100]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waiting(rabbitmq) == 200


def test_line_that_was_cut_is_made_anew_without_a_rest(bell: Bell, rabbitmq: RabbitMQ) -> None:
    assert doorbell.ring(TURN_TASK, [1])
    assert bell._line is not None
    bell._line.wire.sock.close()
    assert doorbell.ring(TURN_TASK, [2])
    assert waiting(rabbitmq) == 2


def test_queue_that_somebody_deleted_is_made_anew(bell: Bell, rabbitmq: RabbitMQ) -> None:
    """RabbitMQ confirms what it throws away, unless it is told not to."""
    assert doorbell.ring(TURN_TASK, [1])
    with rabbitmq.connection(VHOST) as wire:
        wire.channel().queue_delete("agent.ai")
    assert doorbell.waiting_in("agent.ai") == 0
    assert doorbell.ring(TURN_TASK, [2])
    assert waiting(rabbitmq) == 1


def test_broker_out_of_memory_is_not_ready_and_not_waited_for(
    bell: Bell, rabbitmq: RabbitMQ, clock: Clock
) -> None:
    """It lets in and answers questions, but takes no message."""
    assert doorbell.ring(TURN_TASK, [1])
    rabbitmq.control("set_vm_memory_high_watermark", "absolute", "1")
    try:
        with Stopwatch() as watch:
            assert doorbell.ring(TURN_TASK, [2]) is False
        assert watch.took_s < CALL_S + 0.5
        assert not ready(rabbitmq).ok
    finally:
        rabbitmq.control("set_vm_memory_high_watermark", "absolute", "256MB")
    clock.now = REST_S
    assert doorbell.ring(TURN_TASK, [3])
    assert ready(rabbitmq).ok
    assert waiting(rabbitmq) in (2, 3)


def test_rings_do_not_pile_up_before_a_broker_that_takes_none(
    bell: Bell, rabbitmq: RabbitMQ, clock: Clock
) -> None:
    """It takes them all when it has memory again, though their ringers have long gone."""
    assert doorbell.ring(TURN_TASK, [1])
    rabbitmq.control("set_vm_memory_high_watermark", "absolute", "1")
    try:
        for _ in range(4):
            clock.now += REST_S
            assert doorbell.ring(TURN_TASK, [2]) is False
    finally:
        rabbitmq.control("set_vm_memory_high_watermark", "absolute", "256MB")
    clock.now += REST_S
    assert doorbell.ring(TURN_TASK, [3])
    assert waiting(rabbitmq) == 3


def test_rings_do_not_pile_up_in_a_queue_that_is_slow(bell: Bell, rabbitmq: RabbitMQ, clock: Clock) -> None:
    assert doorbell.ring(DELIVERY_TASK, range(20))
    bell._doubtful.add("delivery")  # as after a confirmation that did not come in time
    assert doorbell.ring(DELIVERY_TASK, [20]) is False
    assert waiting(rabbitmq, "delivery") == 20
    assert doorbell.ring(TURN_TASK, [1]) is False  # it rests
    rabbitmq.purge("delivery", vhost=VHOST)
    clock.now = REST_S
    assert doorbell.ring(DELIVERY_TASK, [20])
    assert waiting(rabbitmq, "delivery") == 1


@pytest.mark.django_db
def test_sweeper_does_not_pile_up_rings_that_wait(bell: Bell, rabbitmq: RabbitMQ) -> None:
    for _ in range(160):
        make_turn()
    assert sweep.ring_for_due_work() == 160
    assert waiting(rabbitmq) == 10
    for _ in range(5):
        Turn.objects.update(rung_at=Now() - timedelta(seconds=6))
        assert sweep.ring_for_due_work() == 0
    assert waiting(rabbitmq) == 10
