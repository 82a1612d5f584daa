"""The first administrator. The password is shown once; a link signs in without it."""

import secrets
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.db import transaction

from khronos.desk.login import link_for


@dataclass(frozen=True)
class Made:
    password: str
    login_path: str


@transaction.atomic
def make_if_missing() -> Made | None:
    users = get_user_model()._default_manager
    if users.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(12)
    admin = get_user_model().objects.create_superuser("admin", password=password)
    return Made(password, link_for(admin))
