"""What operators do, in one place: sign-ins, refused ones, deeds in the admin (docs/logs.md).

Django keeps each deed of the admin as a LogEntry, our repairs too; it is told in the audit log as well, which
nobody can edit there.
"""

import logging
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest

from khronos.intake.callers import address_of
from khronos.observability.handlers import AUDIT

log = logging.getLogger(AUDIT)

DEEDS = {ADDITION: "added", CHANGE: "changed", DELETION: "deleted"}


@receiver(user_logged_in)
def signed_in(request: HttpRequest, user: AbstractUser, **_: Any) -> None:
    log.info("signed in", extra=about(user, request))


@receiver(user_logged_out)
def signed_out(request: HttpRequest, user: AbstractUser | None, **_: Any) -> None:
    if user is not None:
        log.info("signed out", extra=about(user, request))


@receiver(user_login_failed)
def refused(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """The name alone is told, never what was typed as the password."""
    known = {"address": address_of(request)} if request else {}
    name = str(credentials.get("username", ""))[:150]
    log.warning("sign-in refused", extra=known | {"name_given": name})


@receiver(post_save, sender=LogEntry)
def deed(instance: LogEntry, **_: Any) -> None:
    noun = instance.content_type.model if instance.content_type else ""
    log.info(
        "%s %s",
        DEEDS.get(instance.action_flag, "did"),
        noun,
        extra={
            "user_id": str(instance.user_id),
            "operator": instance.user.get_username(),
            "object": str(instance.object_id),
            "what": instance.get_change_message(),
        },
    )


def about(user: AbstractUser, request: HttpRequest | None) -> dict[str, Any]:
    known = {"address": address_of(request)} if request else {}
    return {"user_id": str(user.pk), "operator": user.get_username(), **known}
