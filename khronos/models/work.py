"""A piece of work is a row: state, attempts, due time and fence. See docs/architecture.md.

`due_at` is lease, backoff and sweep schedule in one, on the database's clock; a settled row has none.
Every write after a claim goes through the fence: whoever lost the lease changes nothing.
"""

from datetime import timedelta
from typing import Any, Self

from django.db import models
from django.db.models import F
from django.db.models.functions import Now

from khronos.exceptions import LostLease


class WorkQuerySet[W: "Work"](models.QuerySet[W]):
    def due(self) -> Self:
        return self.filter(due_at__lte=Now())

    def unsettled(self) -> Self:
        return self.filter(due_at__isnull=False)

    def claim(self, pk: int, lease: timedelta, **changes: Any) -> W | None:
        """Lease one due row, or None when it is settled or somebody else's."""
        taken = (
            self.due()
            .filter(pk=pk)
            .update(due_at=Now() + lease, attempts=F("attempts") + 1, fence=F("fence") + 1, **changes)
        )
        return self.get(pk=pk) if taken else None

    def unrung(self, since: timedelta) -> Self:
        """Due, and the doorbell has not been rung for it lately."""
        return self.due().filter(models.Q(rung_at__isnull=True) | models.Q(rung_at__lt=Now() - since))


class Work(models.Model):
    attempts = models.PositiveIntegerField(default=0)
    deferrals = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True, db_default=Now())
    rung_at = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        abstract = True

    def fenced(self) -> models.QuerySet[Any]:
        """This row, as long as it is still ours."""
        return type(self)._default_manager.filter(pk=self.pk, fence=self.fence, due_at__isnull=False)

    def write(self, **changes: Any) -> None:
        if not self.fenced().update(**changes):
            raise LostLease(f"{type(self).__name__} {self.pk}")

    def settle(self, state: str, reason: str = "", **changes: Any) -> None:
        self.write(state=state, due_at=None, reason=reason[:500], **changes)

    def defer(self, state: str, after: timedelta, reason: str = "", **changes: Any) -> None:
        """Give the row back until later: the work ended in order and will be tried again."""
        self.write(
            state=state,
            due_at=Now() + after,
            rung_at=None,
            deferrals=F("deferrals") + 1,
            reason=reason[:500],
            **changes,
        )

    @property
    def crashes(self) -> int:
        """Earlier claims that never came to an end."""
        return self.attempts - self.deferrals - 1

    def extend(self, lease: timedelta) -> None:
        self.write(due_at=Now() + lease)
