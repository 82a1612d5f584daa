"""Celery's ports to alerts: told, looked for, and muted by a press."""

from celery import shared_task

from khronos.herald import presses, tell, watch
from tasks.base import Rowless


@shared_task(base=Rowless, name="tasks.alerts.tell")
def tell_due() -> None:
    tell.tell_due()


@shared_task(base=Rowless)
def watch_out() -> None:
    watch.look()


@shared_task(base=Rowless, max_retries=2)
def answer_press(update_ids: list[int]) -> None:
    """People look at the button meanwhile: soon or never."""
    for update_id in update_ids:
        presses.answer(update_id)
