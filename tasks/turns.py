"""Celery's ports to turns."""

from celery import shared_task

from khronos.conversation import turn as turns


@shared_task(acks_late=True, ignore_result=True)
def take(turn_id: int) -> None:
    turns.take(turn_id)
