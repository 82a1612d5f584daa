"""How each part was when it was last looked at (docs/checks.md). One row a check."""

from datetime import timedelta

from django.db import models
from django.db.models import F, Max, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

STALE_PERIODS = 3  # looks that did not happen; then what was seen last is no news any more


class State(models.TextChoices):
    GOOD = "good", pgettext_lazy("check", "well")
    BAD = "bad", pgettext_lazy("check", "amiss")
    OFF = "off", pgettext_lazy("check", "not in use")
    STALE = "stale", pgettext_lazy("check", "not looked at")
    UNSEEN = "unseen", pgettext_lazy("check", "not yet looked at")


OFF = "off: "  # how the detail begins of what does not concern this installation
MINUTE = timedelta(minutes=1)
EARLY = timedelta(seconds=5)  # whoever rings for looks is a little late or early himself


class HealthCheckQuerySet(models.QuerySet["HealthCheck"]):
    def claim(self, name: str, every: timedelta) -> bool:
        """Whose turn it is to look: of many workers, one."""
        self.bulk_create([HealthCheck(name=name, every_s=every.total_seconds())], ignore_conflicts=True)
        due = self.filter(name=name, due_at__lte=Now())
        return bool(due.update(due_at=Now() + every - EARLY, every_s=every.total_seconds()))

    def keep(
        self, name: str, ok: bool, detail: str, took_ms: float, told: dict[str, str] | None = None
    ) -> "HealthCheck":
        mine = self.filter(name=name)
        mine.filter(Q(ok=not ok) | Q(changed_at=None)).update(changed_at=Now(), looks=0)
        seen = {"ok": ok, "detail": detail, "told": told or {}, "took_ms": took_ms}
        mine.update(**seen, checked_at=Now(), looks=F("looks") + 1)
        return mine.get()

    def is_forgotten(self) -> bool:
        """Nobody has looked at anything for too long. It is enough to ask for the newest look."""
        newest = self.aggregate(newest=Max("checked_at"))["newest"]
        return newest is not None and bool(newest < timezone.now() - STALE_PERIODS * MINUTE)

    def again(self) -> int:
        """Whoever looks next looks at these, due or not."""
        return self.update(due_at=Now())


class HealthCheck(models.Model):
    name = models.CharField(_("name"), max_length=40, unique=True)
    ok = models.BooleanField(_("good"), default=False)
    detail = models.CharField(_("detail"), max_length=300, blank=True)
    told = models.JSONField(default=dict, blank=True)  # the same in other languages than English
    took_ms = models.FloatField(_("took (ms)"), default=0.0)
    looks = models.PositiveIntegerField(
        _("looks"), default=0, help_text=_("How often it was seen like this, one after another.")
    )
    every_s = models.PositiveIntegerField(_("looked at every (s)"), default=60)
    due_at = models.DateTimeField(_("next look"), db_default=Now())
    checked_at = models.DateTimeField(_("last look"), null=True, blank=True)
    changed_at = models.DateTimeField(_("like this since"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    objects = HealthCheckQuerySet.as_manager()

    class Meta:
        verbose_name = _("health check")
        verbose_name_plural = _("health checks")

    def __str__(self) -> str:
        return self.name

    @property
    def local(self) -> str:
        """The detail, for whoever looks now; that it is off is shown beside it."""
        return str(self.told.get(get_language(), self.detail)).removeprefix(OFF)

    @property
    def state(self) -> "State":
        if self.is_stale:
            return State.STALE
        if self.checked_at is None:
            return State.UNSEEN
        if not self.ok:
            return State.BAD
        return State.OFF if self.detail.startswith(OFF) else State.GOOD

    @property
    def is_stale(self) -> bool:
        """Never shown as good: it may be bad by now."""
        last = self.checked_at or self.created_at
        return timezone.now() - last > timedelta(seconds=self.every_s * STALE_PERIODS)
