"""Celery on RabbitMQ, bounded: no thread waits for ever on a broker that hangs."""

from typing import Any

from kombu.transport import pyamqp

ANSWER_S = 4.0  # the broker's, to anything that is waited for


class Bounded:
    """py-amqp bounds the start of a connection and nothing after it."""

    def establish_connection(self) -> Any:
        connection = super().establish_connection()  # type: ignore[misc]
        connection.sock.settimeout(ANSWER_S)
        return connection


class BoundedTransport(Bounded, pyamqp.Transport):
    pass


class BoundedTLSTransport(Bounded, pyamqp.SSLTransport):
    pass
