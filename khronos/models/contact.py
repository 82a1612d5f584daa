"""A person on the other side of a channel."""

import uuid
from functools import lru_cache

from django.db import models
from django.utils.translation import gettext_lazy as _

from khronos.models.channel import Channel
from khronos.models.tenant import Tenant


@lru_cache(maxsize=4096)
def contact_id(channel_id: int, external_id: str) -> uuid.UUID:
    """The same person on the same channel is the same row, without asking the database."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"khronos:contact:{channel_id}:{external_id}")


class Contact(models.Model):
    id = models.UUIDField(primary_key=True)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="contacts", verbose_name=_("tenant"))
    channel = models.ForeignKey(Channel, models.CASCADE, related_name="contacts", verbose_name=_("channel"))
    external_id = models.CharField(_("id on the channel"), max_length=100)
    name = models.CharField(_("name"), max_length=300, blank=True)
    username = models.CharField(_("user name"), max_length=100, blank=True)
    language = models.CharField(_("language"), max_length=20, blank=True)
    is_blocked = models.BooleanField(
        _("has blocked us"), default=False, help_text=_("The contact stopped the bot; nothing is sent.")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        constraints = [
            models.UniqueConstraint(fields=["channel", "external_id"], name="contact_once_per_channel")
        ]

    def __str__(self) -> str:
        return self.name or self.username or self.external_id
