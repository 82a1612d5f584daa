"""What a ring costs over RabbitMQ: `python -m tests.rings`. In milliseconds, median and 95th percentile."""

import os
import statistics
import sys
import time
from collections.abc import Callable

from tests.rabbitmq import RabbitMQ

TIMES = 100


def show(what: str, call: Callable[[], object]) -> None:
    call()
    took, spent = [], time.process_time()
    for _ in range(TIMES):
        began = time.perf_counter()
        call()
        took.append((time.perf_counter() - began) * 1000)
    spent = (time.process_time() - spent) * 1000 / TIMES
    median, late = statistics.median(took), statistics.quantiles(took, n=20)[-1]
    sys.stdout.write(f"{what}: {median:.2f} ({late:.1f}), processor time {spent:.2f}\n")


def main() -> None:
    with RabbitMQ.started() as server:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "settings.test", "CELERY_BROKER_URL": server.url()}
        import django

        django.setup()
        from khronos.bus import doorbell
        from khronos.bus.routes import DELIVERY_TASK, TURN_TASK
        from khronos.celery import app
        from khronos.observability import health

        for what, call in {
            "ring for one turn": lambda: doorbell.ring(TURN_TASK, [1]),
            "ring for 500 turns, 32 messages": lambda: doorbell.ring(TURN_TASK, range(500)),
            "ring for 16 deliveries, 16 messages": lambda: doorbell.ring(DELIVERY_TASK, range(16)),
            "Celery's own send_task": lambda: app.send_task(TURN_TASK.task, ([1],), queue="agent.ai"),
            "how much waits in a queue": lambda: doorbell.waiting_in("agent.ai"),
            "the check of /ready": health.broker,
        }.items():
            show(what, call)
            if "ring" in what:  # its memory is kept small
                server.purge(TURN_TASK.queue)


if __name__ == "__main__":
    main()
