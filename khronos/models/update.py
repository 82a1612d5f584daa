"""What arrived, byte for byte. Written by intake before it answers 200; read by the dispatcher."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from khronos.models.channel import Channel
from khronos.models.forgetting import FOR_S, SLICE, forget_slices
from khronos.models.traced import Traced


class UpdateQuerySet(models.QuerySet["Update"]):
    def waiting(self) -> "UpdateQuerySet":
        return self.filter(state=Update.State.RECEIVED)

    def forget_old(self, most: int = SLICE, for_s: float = FOR_S) -> int:
        """Their messages stay; the bytes have served."""
        old = self.filter(state=Update.State.DISPATCHED, received_at__lt=Now() - settings.UPDATES_KEPT)
        return forget_slices(old, "received_at", forget, most=most, for_s=for_s)


def forget(ids: list[int]) -> int:
    """Three statements; the ORM's own delete would read every row and its message first."""
    message = Update._meta.get_field("message").related_model
    message._default_manager.filter(update__in=ids).update(update=None)
    upload: Any = Update._meta.get_field("uploads").related_model
    files = upload._default_manager.filter(update__in=ids)
    files._raw_delete(files.db)
    rows = Update.objects.filter(pk__in=ids)
    return rows._raw_delete(rows.db)


class Update(Traced):
    class State(models.TextChoices):
        RECEIVED = "received", _("received")
        DISPATCHED = "dispatched", _("dispatched")
        QUARANTINED = "quarantined", _("quarantined")

    channel = models.ForeignKey(
        Channel, models.PROTECT, related_name="updates", verbose_name=_("channel"), db_index=False
    )
    key = models.CharField(
        _("key"), max_length=80, help_text=_("The sender's id of this update, or a hash of its bytes.")
    )
    raw = models.BinaryField(_("bytes"))
    conversation_id = models.UUIDField(_("conversation"), null=True, blank=True)
    received_at = models.DateTimeField(_("received"), db_default=Now())
    state = models.CharField(_("state"), max_length=12, choices=State.choices, db_default=State.RECEIVED)
    reason = models.CharField(_("reason"), max_length=500, blank=True, db_default="")

    objects = UpdateQuerySet.as_manager()

    class Meta:
        verbose_name = _("update")
        verbose_name_plural = _("updates")
        constraints = [models.UniqueConstraint(fields=["channel", "key"], name="update_once_per_channel")]
        indexes = [
            models.Index(
                fields=["conversation_id", "id"],
                name="update_waiting",
                condition=models.Q(state="received"),
            ),
            models.Index(
                fields=["received_at"], name="update_quarantined", condition=models.Q(state="quarantined")
            ),
            models.Index(
                fields=["received_at"], name="update_forgettable", condition=models.Q(state="dispatched")
            ),
            models.Index(
                fields=["correlation_id", "id"],
                name="update_correlated",
                condition=models.Q(correlation_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key}"

    @property
    def text(self) -> str:
        return bytes(self.raw).decode("utf-8", "backslashreplace")
