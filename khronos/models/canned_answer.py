"""An answer that a tenant's operators give again and again: picked by its name, changed, and sent by hand."""

import re

from django.db import models
from django.utils.translation import gettext_lazy as _

from khronos.models.contact import Contact
from khronos.models.tenant import Tenant

NAME = re.compile(r"[,\s]*\{name\}")  # with what leads up to it


class CannedAnswer(models.Model):
    tenant = models.ForeignKey(
        Tenant, models.CASCADE, related_name="canned_answers", verbose_name=_("tenant"), db_index=False
    )
    name = models.CharField(_("name"), max_length=100)
    text = models.TextField(
        _("text"), max_length=4000, help_text=_("{name} becomes the name of the contact, where it is known.")
    )

    class Meta:
        verbose_name = _("canned answer")
        verbose_name_plural = _("canned answers")
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="canned_once_per_tenant")]

    def __str__(self) -> str:
        return self.name

    def to(self, contact: Contact | None) -> str:
        name = contact.name if contact else ""
        return self.text.replace("{name}", name) if name else NAME.sub("", self.text)
