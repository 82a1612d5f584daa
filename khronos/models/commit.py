"""Short transactions of many threads, committed together (see `khronos.resilience.groupcommit`)."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import transaction

from khronos.resilience.groupcommit import GroupCommit

type Job = Callable[[], Any]


def commit[R](job: Callable[[], R]) -> R:
    """Run a job that only reads and writes the database; back when it is durable. Its failure is its own.

    A job may be run again after a rollback: it must change nothing but the database.
    """
    result: R = _pen.submit(job)
    return result


def _run_all(jobs: Sequence[Job]) -> list[Any]:
    try:
        with transaction.atomic():
            return [job() for job in jobs]
    except Exception:
        if len(jobs) == 1:
            raise
    with transaction.atomic():
        return [_run(job) for job in jobs]  # one of them fails: savepoints find out which


def _run(job: Job) -> Any:
    try:
        with transaction.atomic():
            return job()
    except Exception as error:
        return error


_pen: GroupCommit[Job, Any] = GroupCommit(_run_all, most=32)
