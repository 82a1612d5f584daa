"""Who may do what only one process may do at a time: beat, and one poller a token."""

import os
import socket
from datetime import timedelta
from functools import cache
from hashlib import sha256

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


@cache
def holder() -> str:
    """Of one home and seat there is one process at a time: its next life takes over after a kill."""
    seat = os.environ.get("KHRONOS_PROCESS")
    home = sha256(str(settings.KHRONOS_HOME).encode()).hexdigest()[:12]
    return f"{socket.gethostname()}:{f'{seat}:{home}' if seat else os.getpid()}"


class LeaseQuerySet(models.QuerySet["Lease"]):
    def hold(self, name: str, holder: str, ttl: timedelta) -> bool:
        """Take or keep the lease; False while somebody else has it."""
        self.bulk_create([Lease(name=name, expires_at=Now())], ignore_conflicts=True)
        mine_or_free = Q(holder=holder) | Q(expires_at__lte=Now())
        return bool(self.filter(mine_or_free, name=name).update(holder=holder, expires_at=Now() + ttl))

    def let_go(self, name: str, holder: str) -> None:
        self.filter(name=name, holder=holder).update(expires_at=Now(), holder="")


class Lease(models.Model):
    name = models.CharField(_("name"), max_length=200, unique=True)
    holder = models.CharField(_("holder"), max_length=200, blank=True, default="")
    expires_at = models.DateTimeField(_("expires"))

    objects = LeaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("lease")
        verbose_name_plural = _("leases")

    def __str__(self) -> str:
        return self.name
