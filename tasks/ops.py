"""Celery's ports to what keeps Khronos in order."""

from celery import shared_task

from khronos import alerts
from khronos.conversation import sweep as sweeper
from khronos.intake import registration
from khronos.models import Channel, Update
from tasks.base import RETRY, Rowless


@shared_task(queue="ops", acks_late=True, ignore_result=True, base=Rowless)
def sweep() -> None:
    """A second pair of eyes beside the dispatcher's own."""
    sweeper.ring_for_due_work()


@shared_task(queue="ops", base=Rowless, rate_limit="30/m", **RETRY)
def notify(alert_id: int) -> None:
    alerts.notify(alert_id)


@shared_task(queue="ops", base=Rowless, **RETRY)
def watch_channels() -> None:
    for channel in Channel.objects.listening().filter(kind="telegram").exclude(token=""):
        registration.watch(channel)


@shared_task(queue="ops", acks_late=True, ignore_result=True, base=Rowless)
def forget_updates() -> None:
    Update.objects.forget_old()
