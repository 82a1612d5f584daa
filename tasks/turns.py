"""Celery's port to turns."""

from celery import shared_task

from khronos.conversation import thinkers


@shared_task(acks_late=True, ignore_result=True)
def take(turn_ids: list[int]) -> None:
    thinkers.begin(turn_ids)
