"""What is known of copies of the database (docs/backup.md): how each trial went, what arrived last."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

KEPT = 500  # trials: four months of four a day


class BackupCheckQuerySet(models.QuerySet["BackupCheck"]):
    def begin(self) -> "BackupCheck":
        old = self.order_by("-pk").values_list("pk", flat=True)[KEPT:]
        self.filter(pk__in=list(old)).delete()
        return self.create()

    def newest(self) -> "BackupCheck | None":
        """That came to an end."""
        return self.exclude(ended_at=None).order_by("-pk").first()


class BackupCheck(models.Model):
    """One trial: the newest copy restored into scratch space, and judged."""

    begun_at = models.DateTimeField(_("begun"), db_default=Now())
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    ok = models.BooleanField(_("good"), default=False)
    verdict = models.TextField(_("verdict"), blank=True, default="")
    position = models.CharField(_("position"), max_length=100, blank=True, default="")
    copied_at = models.DateTimeField(
        _("newest change in the copy"), null=True, blank=True, help_text=_("What was restored ended here.")
    )
    size = models.PositiveBigIntegerField(_("size (bytes)"), default=0)
    rows = models.JSONField(_("rows"), default=dict, blank=True)
    restored_s = models.FloatField(_("restored in (s)"), default=0.0)
    judged_s = models.FloatField(_("judged in (s)"), default=0.0)

    objects = BackupCheckQuerySet.as_manager()

    class Meta:
        verbose_name = _("trial of the backup")
        verbose_name_plural = _("trials of the backup")

    def __str__(self) -> str:
        return f"{self.pk}"

    def end(self, **outcome: Any) -> None:
        type(self).objects.filter(pk=self.pk).update(ended_at=Now(), **outcome)
        self.refresh_from_db()


class BackupState(models.Model):
    """One row: when what was committed had last surely arrived where copies lie."""

    ONLY = 1

    arrived_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    since = models.DateTimeField(db_default=Now())
    trouble = models.CharField(max_length=500, blank=True, default="")
    mended_at = models.DateTimeField(null=True, blank=True)
    replaced_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.arrived_at)

    @classmethod
    def now(cls) -> "BackupState":
        return cls.objects.get_or_create(pk=cls.ONLY)[0]

    @property
    def age_s(self) -> float:
        """Grows also while nobody asks."""
        last: datetime = self.arrived_at or self.since
        return max(0.0, (timezone.now() - last).total_seconds())
