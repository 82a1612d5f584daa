"""Something an operator must know, with a life: raised, repeated, over; and what people were told of it.

Each change is one conditional UPDATE on the clock it is given (the database's own), so that any number of
processes may raise, end, mute and tell the same alert at once. See docs/alerts.md.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Case, F, Q, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest
from django.utils.translation import gettext_lazy as _

from khronos.models.alert_policy import EVERY, FLAPPING, LEASE, LEVELS, LONG_AGO, gap, moment_or_null, worse


class AlertQuerySet(models.QuerySet["Alert"]):
    def open(self) -> "AlertQuerySet":
        return self.filter(resolved_at=None)

    def repeat(self, name: str, level: str, text: str, times: int, now: Combinable) -> bool:
        """Once more, or back before anybody could believe that it was over. False where it is neither."""
        alive = Q(resolved_at=None) | Q(resolved_at__gt=now - FLAPPING, count__gt=0)
        is_worse = worse(level)
        return bool(
            self.filter(alive, name=name).update(
                level=level,
                text=text,
                count=F("count") + times,
                repeated_at=now,
                flaps=F("flaps") + Case(When(resolved_at=None, then=0), default=1),
                resolved_at=None,
                muted_until=moment_or_null(When(is_worse, then=None), default=F("muted_until")),
                muted_until_over=Case(When(is_worse, then=False), default=F("muted_until_over")),
                tell_at=moment_or_null(
                    When(is_worse, then=now),
                    When(muted_until_over=True, then=None),
                    When(muted_until__gt=now, then=F("muted_until")),
                    When(tell_at__isnull=False, then=F("tell_at")),
                    default=Greatest(now, Coalesce("quiet_until", now)),
                ),
            )
        )

    def begin(self, name: str, level: str, text: str, times: int, now: Combinable) -> bool:
        """A new life of a name; False where one is under way, or there is no such row."""
        return bool(
            self.filter(name=name, resolved_at__isnull=False).update(
                level=level,
                text=text,
                count=times,
                raised_at=now,
                repeated_at=now,
                resolved_at=None,
                tell_at=now,
                **UNTOLD,
            )
        )

    def make(self, name: str, now: Combinable) -> None:
        """A row without a life; of many processes that do so at once one makes it."""
        over: Any = now - LONG_AGO
        self.bulk_create([Alert(name=name, level="info", count=0, resolved_at=over)], ignore_conflicts=True)

    def end(self, name: str, now: Combinable) -> bool:
        """Told if its beginning was; what nobody has heard of yet is still told, as over."""
        return bool(
            self.open()
            .filter(name=name)
            .update(
                resolved_at=now,
                muted_until_over=False,
                tell_at=moment_or_null(
                    When(muted_until__gt=now, then=F("muted_until")),
                    When(told_at=None, then=F("tell_at")),
                    When(flaps__gt=0, then=Greatest(now, F("told_at") + EVERY)),
                    default=now,
                ),
            )
        )

    def mute(self, pk: int, hours: float | None, by: str, now: Combinable) -> bool:
        """Nobody hears of it for so long (None: until it is over), unless it gets worse."""
        until: Any = None if hours is None else now + timedelta(hours=hours)
        muted = {"muted_until": until, "muted_until_over": until is None, "muted_by": by[:100]}
        return bool(self.open().filter(pk=pk).update(**muted, tell_at=until, waits=""))

    def unmute(self, pk: int, now: Combinable) -> bool:
        muted = self.filter(Q(muted_until__gt=now) | Q(muted_until_over=True), pk=pk)
        news = Q(count__gt=F("told_count")) | Q(resolved_at__isnull=False)
        tell_at = moment_or_null(When(news, then=Greatest(now, Coalesce("quiet_until", now))), default=None)
        return bool(muted.update(muted_until=None, muted_until_over=False, muted_by="", tell_at=tell_at))

    def tell_again(self, pk: int, now: Combinable) -> bool:
        unmuted: dict[str, Any] = {"muted_until": None, "muted_until_over": False, "muted_by": ""}
        return bool(
            self.filter(pk=pk, count__gt=0).update(
                tell_at=now, waits="", tries=0, fence=F("fence") + 1, **unmuted
            )
        )

    def due(self, now: Combinable) -> "AlertQuerySet":
        return self.filter(tell_at__lte=now)

    def claim(self, pk: int, now: Combinable) -> "Alert | None":
        """Lease one that is to be told; None when it is told or somebody else's. `asked_at` is the clock."""
        lease = {"tell_at": now + LEASE, "fence": F("fence") + 1, "tries": F("tries") + 1}
        if not self.due(now).filter(pk=pk).update(**lease):
            return None
        return self.with_clock(now).get(pk=pk)

    def with_clock(self, now: Combinable) -> "AlertQuerySet":
        return self.annotate(asked_at=Coalesce(now, now, output_field=models.DateTimeField()))


UNTOLD: dict[str, Any] = {
    "fence": F("fence") + 1,  # whoever tells of an earlier life marks nothing in this one
    "flaps": 0,
    "tries": 0,
    "told_at": None,
    "told_count": 0,
    "told_flaps": 0,
    "told_level": "",
    "told_by": "",
    "tellings": 0,
    "quiet_until": None,
    "muted_until": None,
    "muted_until_over": False,
    "muted_by": "",
    "waits": "",
    "trouble": "",
}


class Alert(models.Model):
    class Level(models.TextChoices):
        INFO = "info", _("information")
        WARNING = "warning", _("warning")
        ERROR = "error", _("error")
        CRITICAL = "critical", _("critical")

    class Waits(models.TextChoices):
        """Why nobody was told yet."""

        NIGHT = "night", _("quiet hours")
        LIMIT = "limit", _("too many alerts at once")
        FAILURE = "failure", _("it could not be told")
        NOBODY = "nobody", _("nobody is named to be told")

    name = models.CharField(_("name"), max_length=120, unique=True)
    level = models.CharField(_("level"), max_length=10, choices=Level.choices)
    text = models.TextField(_("text"))
    count = models.PositiveIntegerField(_("times"), default=1)
    flaps = models.PositiveIntegerField(_("came back"), default=0)
    raised_at = models.DateTimeField(_("raised"), auto_now_add=True)
    repeated_at = models.DateTimeField(_("last time"), auto_now_add=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)

    # When somebody must be told next; also the lease of whoever tells. NULL: there is nothing to tell.
    tell_at = models.DateTimeField(_("to be told"), null=True, blank=True, db_index=True)
    fence = models.PositiveIntegerField(default=0)
    tries = models.PositiveIntegerField(default=0)
    waits = models.CharField(_("waits for"), max_length=10, choices=Waits.choices, blank=True)
    trouble = models.CharField(_("not told because"), max_length=500, blank=True)

    told_at = models.DateTimeField(_("told"), null=True, blank=True)
    told_by = models.CharField(_("told by"), max_length=40, blank=True)
    told_level = models.CharField(max_length=10, blank=True)  # the highest of this life
    told_count = models.PositiveIntegerField(default=0)
    told_flaps = models.PositiveIntegerField(default=0)
    tellings = models.PositiveIntegerField(default=0)
    quiet_until = models.DateTimeField(null=True, blank=True)

    muted_until = models.DateTimeField(_("muted until"), null=True, blank=True)
    muted_until_over = models.BooleanField(_("muted until it is over"), default=False)
    muted_by = models.CharField(_("muted by"), max_length=100, blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")

    def __str__(self) -> str:
        return self.name

    @property
    def clock(self) -> datetime:
        """The moment at which it was read, where that was asked for (`with_clock`)."""
        moment: datetime = vars(self)["asked_at"]
        return moment

    def is_muted(self, now: datetime) -> bool:
        return self.muted_until_over or (self.muted_until is not None and self.muted_until > now)

    @property
    def worst(self) -> str:
        """The level that decides who is told, also of the end."""
        return max(self.level, self.told_level or self.level, key=LEVELS.index)

    def settle(self, by: str, now: Combinable) -> bool:
        """It was told as this row says; what has changed meanwhile is to be told too. Behind the fence."""
        tellings = self.tellings + (0 if self.resolved_at else 1)
        later = now + gap(tellings)
        higher = LEVELS[LEVELS.index(self.worst) + 1 :]
        quiet = {} if self.resolved_at else {"quiet_until": later}
        return bool(
            Alert.objects.filter(pk=self.pk, fence=self.fence).update(
                told_at=now,
                told_by=by[:40],
                told_level=self.worst,
                told_count=self.count,
                told_flaps=self.flaps,
                tellings=tellings,
                tries=0,
                waits="",
                trouble="",
                **quiet,
                tell_at=moment_or_null(
                    When(level__in=higher, then=now),
                    When(muted_until__gt=now, then=F("muted_until")),
                    When(muted_until_over=True, then=None),
                    *self.changed(now, later),
                    default=None,
                ),
            )
        )

    def changed(self, now: Combinable, later: Combinable) -> list[When]:
        """Since this row was read: it came back, or is over, or was raised again."""
        if self.resolved_at:
            return [When(resolved_at=None, then=later)]
        return [When(resolved_at__isnull=False, then=now), When(count__gt=self.count, then=later)]

    def put_off(self, until: Combinable | datetime | None, waits: str, trouble: str, *, tried: bool) -> bool:
        """Behind the fence. What was not tried counts as no try."""
        tries = F("tries") if tried else F("tries") - 1
        rows = Alert.objects.filter(pk=self.pk, fence=self.fence)
        return bool(rows.update(tell_at=until, waits=waits, trouble=trouble[:500], tries=tries))
