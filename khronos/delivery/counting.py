"""What is counted of answers on their way out, each after the commit that it tells of."""

from contextlib import suppress
from datetime import datetime

from django.db import Error
from django.utils import timezone

from khronos.models import Delivery, Message, Update
from khronos.models.prepared import Select, Slot
from khronos.observability import metrics

FIRST_ASKED = Select(
    lambda: (
        Update.objects.filter(
            message__turn__messages=Slot("message", Message._meta.pk),
            message__turn__messages__author=Message.Author.BOT,
        )
        .order_by("received_at")
        .only("received_at")[:1]
    )
)


def sent(delivery: Delivery) -> None:
    ended(delivery, "sent")
    with suppress(Error):  # a database that is away now costs this number, and nothing of the message
        if delivery.part == 0 and (since := asked_at(delivery)):
            metrics.END_TO_END.observe(max(0.0, (timezone.now() - since).total_seconds()))


def ended(delivery: Delivery, status: str) -> None:
    metrics.DELIVERIES.labels(status=status).inc()
    tried(delivery, status)


def tried(delivery: Delivery, status: str) -> None:
    if delivery.conversation.channel.kind == "telegram":
        metrics.SENT.labels(status=status).inc()


def put_off(delivery: Delivery, *, is_doubtful: bool) -> None:
    tried(delivery, "put_off")
    if is_doubtful:
        metrics.DOUBTFUL.inc()


def failed(delivery: Delivery, error: Exception) -> None:
    ended(delivery, "failed")
    source = delivery.conversation.channel.kind
    metrics.FAILED.labels(source=source, reason=type(error).__name__.lower()).inc()


def asked_at(delivery: Delivery) -> datetime | None:
    """When the first message arrived that this answers; None for what answers none, or only says "wait"."""
    if Delivery.message.is_cached(delivery):
        message = delivery.message
        return message.turn.asked_at if message.turn and message.author == Message.Author.BOT else None
    first = FIRST_ASKED(message=delivery.message_id)
    return first[0].received_at if first else None
