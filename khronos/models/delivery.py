"""A delivery is one message on its way out: one row for each part that the channel will show."""

from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from khronos.models.conversation import Conversation
from khronos.models.message import Message
from khronos.models.pause import Pause
from khronos.models.traced import Traced
from khronos.models.work import Work, WorkQuerySet


class DeliveryQuerySet(WorkQuerySet["Delivery"]):
    def due(self) -> "DeliveryQuerySet":
        """Not before the earlier ones of the conversation are settled (order is kept), nor while paused."""
        earlier = Delivery.objects.unsettled().filter(
            conversation=OuterRef("conversation"), pk__lt=OuterRef("pk")
        )
        held = Pause.objects.holding(Pause.Queue.DELIVERY)
        return super().due().exclude(Exists(earlier)).exclude(Exists(held))

    def claim(self, pk: int, lease: timedelta, *related: str, **changes: Any) -> "Delivery | None":
        return super().claim(pk, lease, *related, state=Delivery.State.SENDING, **changes)


class Delivery(Traced, Work):
    class State(models.TextChoices):
        PENDING = "pending", _("waiting")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="deliveries", verbose_name=_("conversation")
    )
    message = models.ForeignKey(Message, models.CASCADE, related_name="deliveries", verbose_name=_("message"))
    part = models.PositiveIntegerField(_("part"), default=0)
    text = models.TextField(_("text"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    external_id = models.CharField(
        _("id on the channel"), max_length=100, blank=True, help_text=_("In edit mode: the placeholder's.")
    )
    plain = models.BooleanField(_("without markup"), default=False)
    buttons = models.JSONField(_("buttons"), null=True, blank=True, help_text=_("Text and data of each."))
    doubtful = models.BooleanField(
        _("may be a repeat"), default=False, help_text=_("An earlier try may have arrived.")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [models.UniqueConstraint(fields=["message", "part"], name="a_part_goes_out_once")]
        indexes = [
            models.Index(
                fields=["conversation", "id"],
                name="delivery_order",
                condition=models.Q(due_at__isnull=False),
            ),
            models.Index(fields=["due_at"], name="delivery_due", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
