"""What waits on the bus and in Celery's queues."""

from collections.abc import Iterator
from typing import Any

import redis
from django.conf import settings
from prometheus_client import Metric

from khronos.bus import doorbell
from khronos.bus.connection import quick
from khronos.bus.routes import CONSUMED
from khronos.facts.gauges import gauges
from khronos.observability.canaries import READERS


def streams() -> Iterator[Metric]:
    lags = {stream: float(lag_of(stream)) for stream in CONSUMED}
    yield gauges("khronos_stream_lag", "Entries that the dispatcher has not acknowledged.", "stream", lags)


def lag_of(stream: str) -> int:
    """Not read yet, or read and in hand. A flushed server has neither stream nor group."""
    try:
        groups: Any = quick().xinfo_groups(stream)
    except redis.ResponseError:
        return 0
    mine = [group for group in groups if group["name"] == READERS.encode()]
    return sum((group["lag"] or 0) + group["pending"] for group in mine)


def celery_queues() -> Iterator[Metric]:
    waiting = {queue.name: float(doorbell.waiting_in(queue.name)) for queue in settings.CELERY_TASK_QUEUES}
    yield gauges(
        "khronos_queue_size", "What waits in a queue: rings of Celery, rows that are due.", "queue", waiting
    )
