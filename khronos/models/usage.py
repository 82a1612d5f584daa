"""What models cost: a row for each call that was paid, and sums of them by day, written in one go.

Nobody updates or deletes a row but retention. A row outlives its tenant, conversation and turn.
Whoever writes keeps sums of its own (`writer`), so that nobody waits for another's.
"""

from functools import cache
from typing import Any, Self

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from khronos.models.agent import ASSISTANT
from khronos.models.conversation import Conversation
from khronos.models.prepared import Slot, Update
from khronos.models.tenant import Tenant
from khronos.models.turn import Turn


def loose(to: type[models.Model], name: Any) -> Any:
    return models.ForeignKey(
        to,
        models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=name,
        db_constraint=False,
        db_index=False,
    )


class Figures(models.Model):
    input_tokens = models.BigIntegerField(_("tokens in"), default=0)
    output_tokens = models.BigIntegerField(_("tokens out"), default=0)
    cached_read_tokens = models.BigIntegerField(
        _("read from a cache"), default=0, help_text=_("Of the tokens in.")
    )
    cached_write_tokens = models.BigIntegerField(
        _("written to a cache"), default=0, help_text=_("Of the tokens in.")
    )
    micros = models.BigIntegerField(
        _("cost"), default=0, help_text=_("Millionths of the currency of the price list.")
    )

    class Meta:
        abstract = True


FIGURES = tuple(field.name for field in Figures._meta.local_fields)


class Usage(Figures):
    class Kind(models.TextChoices):
        ANSWER = "answer", _("answer")
        SUMMARY = "summary", _("summary")
        TRIAGE = "triage", _("triage")
        EMBEDDING = "embedding", _("embedding")
        TRANSCRIPTION = "transcription", _("transcription")

    tenant = loose(Tenant, _("tenant"))
    conversation = loose(Conversation, _("conversation"))
    turn = loose(Turn, _("turn"))
    fence = models.PositiveIntegerField(_("fence"), default=0)
    round = models.PositiveIntegerField(
        _("round"), default=0, help_text=_("Of the calls that one try of a turn made.")
    )
    agent = models.CharField(_("agent"), max_length=50, default=ASSISTANT)
    provider = models.CharField(_("provider"), max_length=30)
    model = models.CharField(_("model"), max_length=100)
    kind = models.CharField(_("kind"), max_length=15, choices=Kind.choices, default=Kind.ANSWER)
    status = models.CharField(_("came to"), max_length=15, default="ok")
    is_priced = models.BooleanField(
        _("price known"), default=True, help_text=_("Where nobody said it, the default price counts.")
    )
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("call of a model")
        verbose_name_plural = _("calls of models")
        constraints = [
            models.UniqueConstraint(
                fields=["turn", "fence", "round"],
                condition=models.Q(turn__isnull=False),
                name="usage_once",
            )
        ]
        indexes = [
            models.Index(fields=["conversation", "at"], name="usage_of_conversation"),
            models.Index(fields=["at"], name="usage_forgettable"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class UsageDayQuerySet(models.QuerySet["UsageDay"]):
    def add(self, key: dict[str, Any], calls: int, figures: dict[str, int]) -> None:
        """In the transaction that writes the rows. The first call of a day makes the sum."""
        if not adding()(calls=calls, **key, **figures):
            self.bulk_create([UsageDay(**key)], ignore_conflicts=True)
            adding()(calls=calls, **key, **figures)

    def totals(self, *by: str) -> Self:
        sums = {name: models.Sum(name) for name in ("calls", *FIGURES)}
        return self.values(*by).annotate(**sums).order_by(*by)  # type: ignore[return-value]


class UsageDay(Figures):
    tenant = loose(Tenant, _("tenant"))
    day = models.DateField(_("day"), help_text=_("In UTC."))
    agent = models.CharField(_("agent"), max_length=50)
    provider = models.CharField(_("provider"), max_length=30)
    model = models.CharField(_("model"), max_length=100)
    kind = models.CharField(_("kind"), max_length=15, choices=Usage.Kind.choices)
    writer = models.CharField(_("written by"), max_length=200)
    calls = models.BigIntegerField(_("calls"), default=0)

    objects = UsageDayQuerySet.as_manager()

    class Meta:
        verbose_name = _("usage of a day")
        verbose_name_plural = _("usage by day")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "day", "agent", "provider", "model", "kind", "writer"],
                name="usage_day_once",
            )
        ]
        indexes = [models.Index(fields=["day"], name="usage_by_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.model}"


KEY = ("tenant_id", "day", "agent", "provider", "model", "kind", "writer")


@cache
def adding() -> Update[UsageDay]:
    slots = {name: Slot(name, field_of(name)) for name in KEY}
    sums = {name: F(name) + Slot(name, field_of(name)) for name in ("calls", *FIGURES)}
    return Update(lambda: UsageDay.objects.filter(**slots), **sums)


def field_of(name: str) -> Any:
    return Tenant._meta.pk if name == "tenant_id" else UsageDay._meta.get_field(name)
