"""Updates that could not be understood: the same rows, with a page and permissions of their own."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from khronos.models.update import Update


class QuarantineManager(models.Manager["Quarantined"]):
    def get_queryset(self) -> models.QuerySet["Quarantined"]:
        return super().get_queryset().filter(state=Update.State.QUARANTINED)


class Quarantined(Update):
    objects = QuarantineManager()  # type: ignore[assignment, misc]

    class Meta:
        proxy = True
        verbose_name = _("quarantined update")
        verbose_name_plural = _("quarantined updates")
