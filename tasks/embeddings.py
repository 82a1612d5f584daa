"""Celery's port to knowledge."""

from celery import shared_task

from khronos.knowledge import catalogue, readers
from tasks.base import Rowless


@shared_task(acks_late=True, ignore_result=True)
def embed(_document_ids: list[int]) -> None:
    readers.wake()


@shared_task(acks_late=True, ignore_result=True)
def sweep() -> None:
    readers.wake()


@shared_task(base=Rowless)
def refresh() -> None:
    from khronos.knowledge import refreshing  # noqa: PLC0415 (numpy, for whoever does it)

    catalogue.renew()
    refreshing.refresh()
    readers.wake()
