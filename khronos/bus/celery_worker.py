"""A Celery worker that tells its monitors of many events at once, and looks often for a broker that was away.

To tell each at once cost, with a new client each time, more than the rest of Celery's work on a short task.
"""

import sys
from functools import partial
from typing import Any

from celery.app.events import Events
from celery.events.dispatcher import EventDispatcher
from celery.worker.consumer import Consumer
from kombu.asynchronous.hub import Hub

TELL_EVERY_S = 0.5  # how late Flower may be
BACK_WITHIN_S = 5.0  # a broker that is back is noticed; Celery's own pauses grow to 30


class LoopsDispatcher(EventDispatcher):
    """The worker's loop alone tells, and waits for no confirmation.

    It reads what the broker says on this line: a job's thread that told, and waited, would often miss the
    broker's word and take the line for dead.
    """

    producer: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"buffer_limit": sys.maxsize})  # full, it would be told by a job

    def enable(self) -> None:
        super().enable()
        own: dict[str, Any] = self.producer.channel.__dict__
        own.pop("basic_publish", None)  # py-amqp's that waits, put before its class's own


class LoopsEvents(Events):
    dispatcher_cls = f"{__name__}:{LoopsDispatcher.__name__}"


class ThriftyConsumer(Consumer):
    """Gathers what it has to tell, and looks often whether a broker that was away is back."""

    def ensure_connected(self, conn: Any) -> Any:
        conn.ensure_connection = partial(conn.ensure_connection, interval_max=BACK_WITHIN_S)
        return super().ensure_connected(conn)

    def on_send_event_buffered(self) -> None:  # type: ignore[override]
        """Not yet."""

    def register_with_event_loop(self, hub: Hub) -> None:
        super().register_with_event_loop(hub)
        hub.call_repeatedly(TELL_EVERY_S, self._flush_events)  # type: ignore[attr-defined]
