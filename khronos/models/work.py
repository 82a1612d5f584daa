"""A piece of work is a row: state, attempts, due time and fence. See docs/architecture.md.

`due_at` is lease, backoff and sweep schedule in one, on the database's clock; a settled row has none.
`holder` is who leased it last: a process, and which of its claims.
Every write after a claim goes through the fence: whoever lost the lease changes nothing.
"""

import secrets
import time
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from itertools import count
from typing import Any, Self

from django.db import connections, models, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import translation

from khronos.exceptions import LostLease
from khronos.models.commit import insist
from khronos.models.lease import holder
from khronos.models.prepared import Select, Slot, Update
from khronos.observability import metrics
from khronos.resilience import crashpoints

type Pairs = tuple[tuple[str, Any], ...]


class WorkQuerySet[W: "Work"](models.QuerySet[W]):
    def anew(self) -> Self:
        """All rows of this kind, whatever these were asked for."""
        return type(self)(self.model, using=self.db)

    def due(self) -> Self:
        return self.filter(due_at__lte=Now())

    def unsettled(self) -> Self:
        return self.filter(due_at__isnull=False)

    def in_hand(self) -> Self:
        """Leased, and neither done nor given back."""
        return self.filter(due_at__gt=Now(), attempts__gt=F("deferrals"))

    def claim(
        self, pk: int, lease: timedelta, *related: str, number: str = "", again: bool = False, **changes: Any
    ) -> W | None:
        """Lease one due row, or None when it is settled or somebody else's. `related` is read with it.

        Asked again with the same number it answers the same row: the commit's answer may have been lost.
        """
        claimant = f"{holder()}/{number or secrets.token_hex(8)}"
        is_new = leasing(self.model, tuple(changes.items()))(pk=pk, lease=lease, claimant=claimant)
        if is_new:
            crashpoints.reached("work.leased")
        elif not again:
            return None
        found: list[W] = reading(self.model, related)(pk=pk, claimant=claimant)
        if not found or not (is_new or found[0].fenced().update(due_at=Now() + lease)):
            return None
        found[0].taken_at = time.monotonic()
        return found[0]

    def secure(self, pk: int, lease: timedelta, *related: str) -> W | None:
        """A claim that is durable, through an outage of the database no longer than its lease."""
        number, tries = secrets.token_hex(8), count()

        def claim() -> W | None:
            return self.claim(pk, lease, *related, number=number, again=next(tries) > 0)

        row: W | None = insist(claim, lease.total_seconds())
        if row is not None and row.crashes > 0:
            metrics.LEASE_EXPIRIES.labels(work=self.model._meta.model_name).inc()
        return row

    def waiting_for(self, service: str) -> Self:
        """Whose reason begins with this service's name, or names it among others."""
        named = models.Q(reason__startswith=f"{service}: ") | models.Q(reason__contains=f"; {service}: ")
        return self.unsettled().filter(named)

    def inherited(self) -> Self:
        """What an earlier life of this process leased and never finished."""
        return self.unsettled().filter(holder__startswith=f"{holder()}/")

    def unrung(self, since: timedelta) -> Self:
        """Due, and the doorbell has not been rung for it lately."""
        return self.due().filter(models.Q(rung_at__isnull=True) | models.Q(rung_at__lt=Now() - since))

    def change(self, **changes: Any) -> int:
        """Many rows at once, locked in the order of their keys: two who do that are never in a deadlock."""
        if not connections[self.db].features.has_select_for_update:
            return self.update(**changes)
        with transaction.atomic(using=self.db):
            locked = self.select_for_update(of=("self",), no_key=True).order_by("pk")
            return self.filter(pk__in=list(locked.values_list("pk", flat=True))).update(**changes)


@cache
def leasing(model: "type[Work]", changes: Pairs) -> Update[Any]:
    return Update(
        lambda: model._default_manager.due().filter(pk=Slot("pk", model._meta.pk)),  # type: ignore[attr-defined]
        due_at=Now() + Slot("lease", models.DurationField()),
        attempts=F("attempts") + 1,
        fence=F("fence") + 1,
        holder=Slot("claimant", model._meta.get_field("holder")),
        **dict(changes),
    )


@cache
def reading(model: "type[Work]", related: tuple[str, ...]) -> Select[Any]:
    def build() -> models.QuerySet[Any]:
        pk, claimant = Slot("pk", model._meta.pk), Slot("claimant", model._meta.get_field("holder"))
        rows = model._default_manager.filter(pk=pk, holder=claimant, due_at__isnull=False)
        return rows.select_related(*related) if related else rows

    return Select(build)


@cache
def settling(model: "type[Work]", only: Pairs, names: tuple[str, ...], fixed: Pairs) -> Update[Any]:
    def build() -> models.QuerySet[Any]:
        pk, fence = Slot("own_pk", model._meta.pk), Slot("own_fence", model._meta.get_field("fence"))
        return model._default_manager.filter(pk=pk, fence=fence, due_at__isnull=False, **dict(only))

    slots = {name: Slot(name, model._meta.get_field(name)) for name in names}
    return Update(build, due_at=None, **slots, **dict(fixed))


class Work(models.Model):
    attempts = models.PositiveIntegerField(default=0)
    deferrals = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True, db_default=Now())
    rung_at = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    holder = models.CharField(max_length=200, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")

    taken_at: float | None = None  # by the monotonic clock of the process that claimed it

    class Meta:
        abstract = True

    def fenced(self) -> models.QuerySet[Any]:
        """This row, as long as it is still ours."""
        return type(self)._default_manager.filter(pk=self.pk, fence=self.fence, due_at__isnull=False)

    def write(self, **changes: Any) -> None:
        if not self.fenced().update(**changes):
            raise LostLease(f"{type(self).__name__} {self.pk}")

    def settle(self, state: str, reason: str = "", **changes: Any) -> None:
        if not self.settled({}, state=state, reason=reason[:500], **changes):
            raise LostLease(f"{type(self).__name__} {self.pk}")

    def settled(self, only: Mapping[str, Any], **changes: Any) -> bool:
        """End the work; False when the row is no longer ours, or is not as `only` says."""
        fixed = {name: value for name, value in changes.items() if hasattr(value, "resolve_expression")}
        names = tuple(name for name in changes if name not in fixed)
        settle = settling(type(self), tuple(only.items()), names, tuple(fixed.items()))
        return bool(settle(own_pk=self.pk, own_fence=self.fence, **changes))

    def defer(self, state: str, after: timedelta, reason: str = "", **changes: Any) -> None:
        """Give the row back until later: the work ended in order and will be tried again."""
        self.write(
            state=state,
            due_at=Now() + after,
            rung_at=None,
            deferrals=F("attempts"),
            reason=reason[:500],
            **changes,
        )

    def postpone(self, state: str, after: timedelta, reason: str, **changes: Any) -> None:
        """As `defer`, but nobody was asked: that was no try, and the next failure waits no longer for it."""
        tries = F("attempts") - 1
        due_at = Now() + after
        self.write(
            state=state,
            due_at=due_at,
            rung_at=None,
            attempts=tries,
            deferrals=tries,
            reason=reason[:500],
            **changes,
        )

    @property
    def effort(self) -> dict[str, Any]:
        """Of the present try, for the fact that tells of its end. The reason is that of the try before."""
        took_s = time.monotonic() - self.taken_at if self.taken_at else 0.0
        told: dict[str, Any] = {"try": self.attempts, "took_ms": round(took_s * 1000)}
        told["holder"] = self.holder.partition("/")[0]
        if self.reason:
            told["waited_for"] = self.reason
        if self.crashes > 0:
            told["lost"] = self.crashes
        return told

    @property
    def why(self) -> str:
        """The reason in the reader's language, where it is one of ours."""
        return translation.gettext(self.reason) if self.reason else ""

    @property
    def crashes(self) -> int:
        """Claims in a row, before this one, that never came to an end."""
        return self.attempts - self.deferrals - 1

    def extend(self, lease: timedelta) -> None:
        self.write(due_at=Now() + lease)
