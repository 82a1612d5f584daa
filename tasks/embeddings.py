"""Celery's port to knowledge."""

from celery import shared_task

from khronos.knowledge import readers


@shared_task(acks_late=True, ignore_result=True)
def embed(_document_ids: list[int]) -> None:
    readers.wake()


@shared_task(acks_late=True, ignore_result=True)
def sweep() -> None:
    readers.wake()
