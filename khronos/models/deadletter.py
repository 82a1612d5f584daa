"""Work that was given up: kept whole, so that an operator can read it and replay it."""

from typing import Any

from django.db import models, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from khronos.observability import metrics


class DeadLetter(models.Model):
    class Source(models.TextChoices):
        STREAM = "stream", _("event stream")
        TASK = "task", _("task")
        TURN = "turn", _("turn")
        DELIVERY = "delivery", _("delivery")
        DOCUMENT = "document", _("document")

    source = models.CharField(_("source"), max_length=10, choices=Source.choices)
    name = models.CharField(_("name"), max_length=200, help_text=_("Stream, task, or kind of row."))
    key = models.CharField(_("key"), max_length=200, help_text=_("Entry, task or row id."))
    payload = models.JSONField(_("payload"), default=dict)
    reason = models.TextField(_("reason"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    trace_id = models.CharField(_("trace"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    replayed_at = models.DateTimeField(_("replayed"), null=True, blank=True)

    class Meta:
        verbose_name = _("dead letter")
        verbose_name_plural = _("dead letters")
        constraints = [models.UniqueConstraint(fields=["source", "name", "key"], name="one_dead_letter_each")]

    def __str__(self) -> str:
        return f"{self.name} {self.key}"


def keep(
    source: DeadLetter.Source,
    name: str,
    key: str,
    reason: str,
    *,
    payload: dict[str, Any] | None = None,
    attempts: int = 0,
    trace_id: str = "",
) -> None:
    DeadLetter.objects.update_or_create(
        source=source,
        name=name,
        key=key,
        defaults={
            "payload": payload or {},
            "reason": reason,
            "attempts": attempts,
            "trace_id": trace_id[:64],
            "replayed_at": None,
        },
    )
    transaction.on_commit(metrics.GIVEN_UP.labels(source=source).inc)


def close(source: DeadLetter.Source, pk: int) -> None:
    """The row goes on, so that its dead letter needs nobody any more."""
    DeadLetter.objects.filter(source=source, key=str(pk), replayed_at=None).update(replayed_at=Now())
