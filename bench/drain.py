"""`python -m bench.inside bench.drain`: fill the stream, and have the real dispatcher work it off."""

import argparse
import base64
import json
import time
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from bench.load import BODY
from khronos.bus import streams
from khronos.bus.connection import patient
from khronos.bus.routes import CONSUMED, TURN_TASK
from khronos.conversation.dispatcher import Dispatcher
from khronos.intake.accept import store
from khronos.intake.arrival import arrived
from khronos.models import Channel, DeadLetter, Turn, Update
from tasks.turns import take

BATCH = 64  # what intake stores together under load
DELAYS = 1000
STREAM = "bench.bare"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--updates", type=int, required=True)
    options = parser.parse_args()
    first, count = options.first, options.updates
    new, _ = drained(first, first, count)
    known, cpu_s = drained(first + count, first, count)
    figures = {
        "new": count / new,
        "known": count / known,
        "known_cpu_ms": cpu_s * 1000 / count,
        "delay": DELAYS / delays(),
        "bare": count / bare(count),
    }
    print(json.dumps(figures))


def drained(first: int, first_chat: int, count: int) -> tuple[float, float]:
    """Seconds, on the clock and of the processor, from the stream's first entry to the last rung task."""
    Turn.objects.unsettled().update(state=Turn.State.ANSWERED, due_at=None, answered_at=Now())
    patient().delete(TURN_TASK.queue)
    fill(first, first_chat, count)
    dispatcher = Dispatcher()
    dispatcher.consumer.join()
    started, processor = time.perf_counter(), time.process_time()
    while dispatcher.consumer.read(10):
        dispatcher.housekeeping()
    dispatcher.finish()
    took, processor = time.perf_counter() - started, time.process_time() - processor
    assert not Update.objects.waiting().exists()
    assert not DeadLetter.objects.exists()
    rung = rung_turns()
    assert rung == count, f"{rung} rings for {count} events"
    return took, processor


def rung_turns() -> int:
    """How many turns the rings in Celery's queue name."""
    rings: Any = patient().lrange(TURN_TASK.queue, 0, -1)
    return sum(len(json.loads(base64.b64decode(json.loads(ring)["body"]))[0][0]) for ring in rings)


def fill(first: int, first_chat: int, count: int) -> None:
    channel = Channel.objects.get(slug="default")
    for start in range(0, count, BATCH):
        store(
            [
                arrived(
                    channel,
                    body(first + number, first_chat + number),
                    {"trace_id": f"trace-{first + number}", "correlation_id": None},
                )
                for number in range(start, min(start + BATCH, count))
            ]
        )


def body(update_id: int, chat: int) -> bytes:
    return (BODY % (update_id, update_id, chat, chat)).encode()


def delays() -> float:
    take.delay([0])  # opens the connection
    started = time.perf_counter()
    for number in range(DELAYS):
        take.delay([number])
    took = time.perf_counter() - started
    patient().delete(TURN_TASK.queue)
    return took


def bare(count: int) -> float:
    """The least that a dispatcher could do: read the stream, store a row for each entry, acknowledge."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_bare (key varchar(80) PRIMARY KEY, raw text)")
        cursor.execute("DELETE FROM bench_bare")
    entries: list[Any] = patient().xrange(CONSUMED[0], count=count) or []
    streams.publish(patient(), [wire(fields) for _, fields in entries])
    consumer = streams.Consumer(patient(), "bench", "bench", [STREAM], insert, lambda _entry: None)
    consumer.join()
    started = time.perf_counter()
    while consumer.read(10):
        pass
    took = time.perf_counter() - started
    patient().delete(STREAM)
    return took


def wire(fields: dict[bytes, bytes]) -> dict[str, str | bytes]:
    return {name.decode(): value for name, value in fields.items()} | {"event": STREAM}


def insert(entries: list[streams.Entry]) -> Iterator[str]:
    rows = [(entry.fields["idempotency_key"], entry.fields["payload"]) for entry in entries]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO bench_bare VALUES {', '.join(['(%s, %s)'] * len(rows))} ON CONFLICT DO NOTHING",
            [value for row in rows for value in row],
        )
    return (entry.id for entry in entries)
