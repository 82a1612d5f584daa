"""Ring: tell Celery's workers that rows are due. A lost ring costs time only, the sweeper rings again.

A whole batch is one round trip: the envelope is Celery's own, made once for each task and filled in. RabbitMQ
confirms what it has taken (khronos/bus/confirmed.py). Other brokers get the same tasks one by one.
"""

import base64
import logging
import uuid
from collections.abc import Sequence
from functools import cache, partial
from itertools import batched
from typing import Any

import amqp
import kombu.exceptions
import orjson
import redis
from django.conf import settings

from khronos.bus.confirmed import CONNECT_S, Bell
from khronos.bus.connection import connect
from khronos.bus.routes import Route
from khronos.celery import app
from khronos.resilience.keeper import Keeper
from khronos.resilience.rest import Away

log = logging.getLogger(__name__)

bells = Keeper("bells")

UNREACHABLE = (redis.RedisError, kombu.exceptions.KombuError, OSError, Away)

REDIS = ("redis://", "rediss://")
AMQP = ("amqp://", "amqps://")


def ring(route: Route, ids: Sequence[int]) -> bool:
    """False when the broker cannot be reached; nobody waits for it."""
    if not ids:
        return True
    try:
        if settings.CELERY_BROKER_URL.startswith(REDIS):
            push(route, ids)
        elif settings.CELERY_BROKER_URL.startswith(AMQP):
            bell().ring(route.queue, [letter(route, [some]) for some in batched(ids, route.together)])
        else:
            for some in batched(ids, route.together):
                app.send_task(route.task, args=(some,), queue=route.queue, retry=False)
    except UNREACHABLE as error:
        log.warning(
            "doorbell silent", extra={"task": route.task, "rows": len(ids), "error": type(error).__name__}
        )
        return False
    return True


def ring_later(route: Route, ids: Sequence[int], after_s: float) -> None:
    """At a moment that is known exactly; should this process be gone by then, the sweeper rings."""
    bells.once(partial(ring, route, ids), after_s=after_s)


def call(task: str, queue: str, *arguments: Any) -> bool:
    """Start a job that needs no row."""
    try:
        if settings.CELERY_BROKER_URL.startswith(AMQP):
            bell().ring(queue, [letter(Route(task, queue), arguments)])
        else:
            app.send_task(task, args=arguments, queue=queue, retry=False)
    except UNREACHABLE as error:
        log.warning("broker away", extra={"task": task, "error": type(error).__name__})
        return False
    return True


def push(route: Route, ids: Sequence[int]) -> None:
    broker().lpush(route.queue, *[message(route, some) for some in batched(ids, route.together)])


def waiting_in(queue: str) -> int:
    """How many rings wait in a queue."""
    if settings.CELERY_BROKER_URL.startswith(AMQP):
        return bell().waiting_in(queue)
    with app.connection_for_read() as connection:
        channel: Any = connection.default_channel
        try:
            return int(channel.queue_declare(queue, passive=True).message_count)
        except connection.channel_errors:
            return 0  # an empty queue does not exist on Redis


@cache
def broker() -> "redis.Redis":
    return connect(2.0, settings.CELERY_BROKER_URL)


@cache
def bell() -> Bell:
    """Without heartbeats, for nobody would send them; the system's own probes keep an idle line open."""
    apart = {"confirm_publish": False}  # not after each message: after all of them
    connection = app.connection_for_write(heartbeat=0, connect_timeout=CONNECT_S, transport_options=apart)
    return Bell(connection, app.amqp.queues)


@cache
def envelope(route: Route) -> dict[str, Any]:
    """Celery's message for this task, and kombu's frame around it as its Redis transport writes it."""
    made = app.amqp.as_task_v2("", route.task, args=(), kwargs={}, ignore_result=True)
    return {
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {**made.headers, "argsrepr": "", "kwargsrepr": ""},
        "properties": {
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": route.queue},
            "priority": 0,
            "body_encoding": "base64",
        },
    }


def message(route: Route, ids: Sequence[int]) -> bytes:
    frame, id_ = envelope(route), str(uuid.uuid4())
    headers = headers_of(route, [ids], id_)
    properties = frame["properties"] | {"correlation_id": id_, "delivery_tag": str(uuid.uuid4())}
    body = base64.b64encode(body_of([ids])).decode()
    return orjson.dumps(frame | {"body": body, "headers": headers, "properties": properties})


def letter(route: Route, arguments: Sequence[Any]) -> amqp.Message:
    id_ = str(uuid.uuid4())
    return amqp.Message(
        body_of(arguments),
        content_type="application/json",
        content_encoding="utf-8",
        application_headers=headers_of(route, arguments, id_),
        delivery_mode=2,
        correlation_id=id_,
    )


def headers_of(route: Route, arguments: Sequence[Any], id_: str) -> dict[str, Any]:
    shown = "".join(f"{each!r}," if isinstance(each, str) else f"{list(each)}," for each in arguments)
    headers: dict[str, Any] = envelope(route)["headers"]
    return headers | {"id": id_, "root_id": id_, "argsrepr": f"({shown})"}


def body_of(arguments: Sequence[Any]) -> bytes:
    return orjson.dumps([arguments, {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
