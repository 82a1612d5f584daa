"""What tests of single parts over RabbitMQ share: a virtual host of their own, and looks from outside."""

from kombu import Connection

from khronos.bus.celery_amqp import BoundedTransport
from khronos.observability import health
from tests.rabbitmq import RabbitMQ

VHOST = "pieces"


def waiting(rabbitmq: RabbitMQ, queue: str = "agent.ai") -> int:
    return rabbitmq.waiting_in(queue, VHOST)


def ready(rabbitmq: RabbitMQ) -> health.Result:
    connection = Connection(
        rabbitmq.url(VHOST), transport=BoundedTransport, connect_timeout=health.DEADLINE_S
    )
    return health.run(lambda: health.takes_messages(connection))
