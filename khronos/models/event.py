"""Facts, append-only: outbox of the bus, audit trail, and what the operator's timeline is drawn from."""

import uuid
from enum import StrEnum

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from khronos.models.traced import Traced


class Note(StrEnum):
    """What a try came to. For the timeline alone: the bus never hears of it."""

    TURN_PUT_OFF = "turn.put_off"
    TURN_BURIED = "turn.buried"
    DELIVERY_PUT_OFF = "delivery.put_off"


class Event(Traced):
    class Type(models.TextChoices):
        MESSAGE_RECEIVED = "inbox.message.received"
        HANDOFF_REQUESTED = "routing.handoff.requested"
        RESPONSE_GENERATED = "agent.ai.response.generated"
        MESSAGE_SENT = "outbox.message.sent"
        MESSAGE_FAILED = "outbox.message.failed"
        HANDOFF_ACCEPTED = "conversation.handoff.accepted"
        CONVERSATION_CLOSED = "conversation.closed"
        BREAKER_CHANGED = "resilience.breaker.changed"

    event_id = models.UUIDField(_("event id"), default=uuid.uuid4)
    type = models.CharField(_("type"), max_length=60, choices=Type.choices)
    trace_id = models.CharField(_("trace"), max_length=64, db_index=True)
    tenant_id = models.BigIntegerField(_("tenant"), null=True)
    conversation_id = models.UUIDField(_("conversation"), null=True)
    customer_id = models.UUIDField(_("contact"), null=True)
    idempotency_key = models.CharField(
        _("idempotency key"), max_length=120, unique=True, help_text=_("The same fact is told once.")
    )
    timestamp = models.DateTimeField(_("time"), db_default=Now())
    payload = models.JSONField(_("payload"), default=dict)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [
            models.Index(fields=["conversation_id", "id"], name="event_timeline"),
            models.Index(fields=["id"], name="event_unpublished", condition=models.Q(published_at=None)),
            models.Index(
                fields=["correlation_id", "id"],
                name="event_correlated",
                condition=models.Q(correlation_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
