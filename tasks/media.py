"""Celery's port to files that no turn waits for."""

from celery import shared_task

from khronos.media import fetchers, forgetting
from tasks.base import Rowless


@shared_task(acks_late=True, ignore_result=True)
def fetch(_attachment_ids: list[int]) -> None:
    fetchers.wake()


@shared_task(base=Rowless)
def forget() -> None:
    forgetting.forget_old()
