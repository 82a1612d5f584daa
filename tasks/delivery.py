"""Celery's port to the outbox."""

from celery import shared_task

from khronos.delivery import send


@shared_task(acks_late=True, ignore_result=True)
def deliver(delivery_ids: list[int]) -> None:
    for delivery_id in delivery_ids:
        send.deliver(delivery_id)
