"""Celery on RabbitMQ, bounded: no thread waits long for a broker that hangs."""

from typing import Any

from kombu.transport import pyamqp

ANSWER_S = 2.0  # the broker's, to anything that is waited for


class BoundedConnection(pyamqp.Connection):
    def connect(self, callback: Any = None) -> Any:
        """py-amqp bounds the start of a connection and nothing after it."""
        started = super().connect(callback)
        self.transport.sock.settimeout(ANSWER_S)
        return started

    def blocking_read(self, timeout: float | None = None) -> Any:
        """Who was silent is not waited for again, to say goodbye."""
        try:
            return super().blocking_read(timeout)
        except TimeoutError:
            if timeout is None:
                self.collect()
            raise


class BoundedTransport(pyamqp.Transport):
    Connection = BoundedConnection


class BoundedTLSTransport(pyamqp.SSLTransport):
    Connection = BoundedConnection
