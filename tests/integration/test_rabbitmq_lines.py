"""RabbitMQ beside the doorbell: whether it is ready, and Celery's own lines to it."""

from typing import Any
from uuid import uuid4

import amqp
import pytest
from celery import Celery
from celery.beat import ScheduleEntry, SchedulingError
from celery.schedules import schedule
from kombu import Connection, Queue

from khronos.bus.celery_amqp import ANSWER_S, BoundedTransport
from khronos.bus.confirmed import CONNECT_S, Bell
from khronos.celery import app
from khronos.launch.beat import LeasedScheduler
from khronos.observability import health
from khronos.resilience.rest import Away
from tests.integration.rabbitmq_stage import VHOST, ready, waiting
from tests.rabbitmq import RabbitMQ
from tests.stopwatch import Stopwatch


def test_refused_ring_is_not_counted(rabbitmq: RabbitMQ) -> None:
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    queue = Queue(f"full-{uuid4()}", queue_arguments=full, durable=False, auto_delete=True)
    bell = Bell(Connection(rabbitmq.url(VHOST), transport=BoundedTransport), {queue.name: queue})
    bell.ring(queue.name, [amqp.Message("1")])
    with pytest.raises(Away, match="MessageNacked"):
        bell.ring(queue.name, [amqp.Message("2")])
    assert waiting(rabbitmq, queue.name) == 1
    bell.close()


def test_ready_says_whether_rabbitmq_takes_messages(rabbitmq: RabbitMQ) -> None:
    assert ready(rabbitmq).detail == "takes messages"
    rabbitmq.freeze()
    try:
        with Stopwatch() as watch:
            result = ready(rabbitmq)
    finally:
        rabbitmq.thaw()
    assert not result.ok
    assert result.took_ms < 1000 * (health.DEADLINE_S + 0.3 + watch.stood_s)
    assert ready(rabbitmq).ok


@pytest.mark.parametrize("wrong", ["//wrong:guest@", "//guest:guest@"])
def test_broker_that_does_not_let_in_is_named(rabbitmq: RabbitMQ, wrong: str) -> None:
    url = rabbitmq.url("nowhere").replace("//guest:guest@", wrong)
    connection = Connection(url, transport=BoundedTransport, connect_timeout=CONNECT_S)
    with pytest.raises(Away, match=r"AccessRefused|NotAllowed|NotFound"):
        Bell(connection, app.amqp.queues).waiting_in("ops")
    assert not health.run(lambda: health.takes_messages(connection)).ok


def test_no_thread_waits_for_ever_on_celerys_own_lines(rabbitmq: RabbitMQ) -> None:
    """A message that is not confirmed is given up once, and its line closed without a word."""
    options = {"confirm_publish": True}
    with Connection(rabbitmq.url(VHOST), transport=BoundedTransport, transport_options=options) as connection:
        channel: Any = connection.channel()
        rabbitmq.freeze()
        try:
            with Stopwatch() as watch:
                with pytest.raises(TimeoutError):
                    channel.basic_publish(amqp.Message("1"), "", "ops")
                connection.close()
            assert watch.took_s < ANSWER_S + 0.5
        finally:
            rabbitmq.thaw()


@pytest.mark.django_db
def test_beat_fires_again_after_the_broker_was_restarted(rabbitmq: RabbitMQ) -> None:
    """The first firing may find a line that was cut; its next one is on a line of its own."""
    broker = Celery("tests", broker=rabbitmq.url(VHOST), set_as_current=False)
    broker.conf.update(task_queues=app.conf.task_queues, task_publish_retry=False)
    beat = LeasedScheduler(app=broker, lazy=True)
    entry = ScheduleEntry(
        "sweep", "tasks.ops.sweep", schedule=schedule(60), options={"queue": "embeddings"}, app=broker
    )
    beat.apply_async(entry, producer=beat.producer, advance=False)
    assert waiting(rabbitmq, "embeddings") == 1
    rabbitmq.stop()
    with pytest.raises(SchedulingError):
        beat.apply_async(entry, producer=beat.producer, advance=False)
    rabbitmq.start()
    beat.apply_async(entry, producer=beat.producer, advance=False)
    assert waiting(rabbitmq, "embeddings") == 2
