"""What a Celery worker does beside its tasks: it gives signs of life, and ends well (docs/processes.md)."""

import logging
import os
import time
from typing import Any

from celery import signals
from celery.worker import state

from khronos.observability.heartbeat import beat

log = logging.getLogger(__name__)


@signals.heartbeat_sent.connect
def give_sign_of_life(**_: Any) -> None:
    """Every two seconds, from the worker's own loop: a worker that hangs falls silent."""
    beat(os.environ.get("KHRONOS_PROCESS", "agent").partition("-")[0])


@signals.worker_init.connect
def end_well(sender: Any, **_: Any) -> None:
    """Celery's soft shutdown sleeps its whole time out; ours goes on as soon as the hands are empty."""
    sender.wait_for_soft_shutdown = finish_jobs_in_hand


def finish_jobs_in_hand() -> None:
    """Runs in the signal handler, so nothing new is taken meanwhile. What is left is given back by Celery."""
    from khronos.celery import app  # noqa: PLC0415

    deadline = time.monotonic() + app.conf.worker_soft_shutdown_timeout
    while (left := len(state.active_requests)) and time.monotonic() < deadline:
        time.sleep(0.05)
    if left:
        log.warning("giving back unfinished jobs", extra={"jobs": left})
