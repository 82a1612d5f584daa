"""Celery's tasks: how many, how long, and how they ended."""

import time
from typing import Any

from celery import signals

from khronos.observability import metrics

under_way: dict[str, float] = {}  # by id: when it began


def measure() -> None:
    signals.task_prerun.connect(begun)
    signals.task_postrun.connect(ended)


def begun(task_id: str, **_: Any) -> None:
    under_way[task_id] = time.perf_counter()


def ended(task_id: str, task: Any, state: str | None = None, **_: Any) -> None:
    began = under_way.pop(task_id, None)
    metrics.TASKS.labels(task=task.name, state=(state or "unknown").lower()).inc()
    if began is not None:
        metrics.TASK_SECONDS.labels(task=task.name).observe(time.perf_counter() - began)
