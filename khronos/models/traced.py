"""Rows of a message know by which ids its sender follows it (docs/logs.md)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from khronos.observability.steps import Ids


class Traced(models.Model):
    trace_id = models.CharField(_("trace"), max_length=64)
    correlation_id = models.CharField(  # noqa: DJ001 - NULL costs no room, no index and no rewriting of old rows
        _("correlation"), max_length=64, null=True, blank=True, help_text=_("Where it is not the trace.")
    )

    class Meta:
        abstract = True

    @property
    def ids(self) -> Ids:
        """For the lines, rows and facts that follow from this one."""
        return {"trace_id": self.trace_id, "correlation_id": self.correlation_id}
