"""What triage decided: who shall answer a conversation, why, and who said so (docs/triage.md)."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from khronos.models.queue import Queue
from khronos.models.turn import Turn


class Triage(models.Model):
    class By(models.TextChoices):
        MODEL = "model", _("a model")
        RULES = "rules", _("rules")

    turn = models.OneToOneField(Turn, models.CASCADE, related_name="triage", verbose_name=_("turn"))
    queue = models.ForeignKey(
        Queue, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("queue")
    )
    intent = models.CharField(_("intent"), max_length=120, blank=True)
    by = models.CharField(_("decided by"), max_length=5, choices=By.choices)
    provider = models.CharField(_("provider"), max_length=30, blank=True)
    model = models.CharField(_("model"), max_length=100, blank=True)
    thinking_ms = models.PositiveIntegerField(_("thinking, ms"), default=0)
    reason = models.CharField(
        _("reason"), max_length=500, blank=True, help_text=_("Why it was not left to a model.")
    )
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("triage")
        verbose_name_plural = _("triages")

    def __str__(self) -> str:
        return f"{self.turn_id}"
