"""A queue of people: conversations handed to it wait for an operator."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from khronos.models.tenant import Tenant


class Queue(models.Model):
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="queues", verbose_name=_("tenant"))
    slug = models.SlugField(_("slug"))
    name = models.CharField(_("name"), max_length=200)
    keywords = models.JSONField(
        _("keywords"), default=list, blank=True, help_text=_("Words by which triage sends a message here.")
    )
    is_default = models.BooleanField(
        _("default"), default=False, help_text=_("Takes what asks for a person and names no queue.")
    )

    class Meta:
        verbose_name = _("queue")
        verbose_name_plural = _("queues")
        constraints = [models.UniqueConstraint(fields=["tenant", "slug"], name="queue_once_per_tenant")]

    def __str__(self) -> str:
        return self.name
