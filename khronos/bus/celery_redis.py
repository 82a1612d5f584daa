"""Celery on Redis at a lower price; nothing here changes what it does.

kombu makes a new client object for every acknowledgement and every publication, and the worker tells its
monitors of each event at once. Together that cost more than the rest of Celery's work on a short task.
"""

from functools import partial
from typing import Any

import redis
from celery.worker.consumer import Consumer
from kombu.asynchronous.hub import Hub
from kombu.transport.redis import Channel, Transport

TELL_EVERY_S = 0.5  # how late Flower may be
BACK_WITHIN_S = 5.0  # a broker that is back is noticed; Celery's own pauses grow to 30


class ThriftyChannel(Channel):
    """One client for all: it takes a connection of the pool for each command, in whichever thread."""

    _shared: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[misc]
        if self._shared is None or self._shared.connection_pool is not self.pool:
            self._shared = super()._create_client()  # type: ignore[misc]
        return self._shared

    def _connparams(self, asynchronous: bool = False) -> Any:
        """A closed channel has lost its connection: kombu would end the worker for it."""
        if getattr(self.connection, "client", None) is None:
            raise redis.ConnectionError("the connection to the broker was lost")
        return super()._connparams(asynchronous)  # type: ignore[misc]


class ThriftyTransport(Transport):
    Channel = ThriftyChannel


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
