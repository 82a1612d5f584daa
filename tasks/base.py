"""Jobs without a row: Celery's own retry, and a dead letter when it has given up."""

from typing import Any

from celery import Task
from django.db import InterfaceError, OperationalError

from khronos.exceptions import Ambiguous, Transient
from khronos.models import DeadLetter
from khronos.models.deadletter import keep


class Rowless(Task[Any, Any]):
    """What fails for good is kept, where an operator reads and replays it."""

    abstract = True
    acks_late = True
    ignore_result = True
    autoretry_for = (Transient, Ambiguous, OSError, OperationalError, InterfaceError)
    retry_backoff = 2  # seconds, doubled each time
    retry_backoff_max = 300
    retry_jitter = True
    max_retries = 5

    def on_failure(
        self, exc: Exception, task_id: str, args: tuple[Any, ...], kwargs: dict[str, Any], einfo: Any
    ) -> None:
        keep(
            DeadLetter.Source.TASK,
            self.name,
            task_id,
            f"{type(exc).__name__}: {exc}",
            payload={
                "args": list(args),
                "kwargs": kwargs,
                "queue": (self.request.delivery_info or {}).get("routing_key"),
            },
            attempts=self.request.retries + 1,
        )
