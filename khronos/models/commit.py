"""Short transactions of many threads, committed together (see `khronos.resilience.groupcommit`)."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction

from khronos.database import give_back
from khronos.resilience.courtesy import Courtesy
from khronos.resilience.groupcommit import GroupCommit

AFTER_YOU_S = 0.05
INSIST_EVERY_S = 0.5

type Job = Callable[[], Any]


def commit[R](job: Callable[[], R]) -> R:
    """Run a job that only reads and writes the database; back when it is durable. Its failure is its own.

    A job may be run again after a rollback: it must change nothing but the database.
    """
    give_back()  # whoever writes for us needs one, and waits in vain where all who wait for him hold one
    result: R = _pen.submit(job)
    return result


@cache
def courtesy() -> Courtesy:
    return Courtesy(Path(settings.KHRONOS_HOME) / "run" / "writes-first.lock")


def first() -> AbstractContextManager[None]:
    """Where only one can write at a time, what arrives is written before what is answered."""
    return courtesy().first() if connection.vendor == "sqlite" else nullcontext()


def insist[R](job: Callable[[], R], patience_s: float) -> R:
    """For what is done outside already: a database that hesitates is asked again while the lease lasts."""
    until = time.monotonic() + patience_s
    while True:
        try:
            return commit(job)
        except (OperationalError, InterfaceError):
            if time.monotonic() + INSIST_EVERY_S > until:
                raise
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            time.sleep(INSIST_EVERY_S)


def _run_all(jobs: Sequence[Job]) -> list[Any]:
    if connection.vendor == "sqlite":
        courtesy().after_you(AFTER_YOU_S)
    try:
        return _run_together(jobs)
    finally:
        give_back()


def _run_together(jobs: Sequence[Job]) -> list[Any]:
    try:
        with transaction.atomic():
            return [job() for job in jobs]
    except Exception:
        if len(jobs) == 1 or connection.connection is None:
            raise  # the database is away: none of the jobs is to blame
    with transaction.atomic():
        return [_run(job) for job in jobs]  # one of them fails: savepoints find out which


def _run(job: Job) -> Any:
    try:
        with transaction.atomic():
            return job()
    except Exception as error:
        return error


_pen: GroupCommit[Job, Any] = GroupCommit(_run_all, most=32)
