"""Something an operator must know, with a life: raised, repeated with a count, resolved."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Alert(models.Model):
    class Level(models.TextChoices):
        INFO = "info", _("information")
        WARNING = "warning", _("warning")
        ERROR = "error", _("error")
        CRITICAL = "critical", _("critical")

    name = models.CharField(_("name"), max_length=120, unique=True)
    level = models.CharField(_("level"), max_length=10, choices=Level.choices)
    text = models.TextField(_("text"))
    count = models.PositiveIntegerField(_("times"), default=1)
    raised_at = models.DateTimeField(_("raised"), auto_now_add=True)
    repeated_at = models.DateTimeField(_("last time"), auto_now_add=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")

    def __str__(self) -> str:
        return self.name
