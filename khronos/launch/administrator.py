"""The first administrator. The password is shown once; a link signs in without it."""

import secrets
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from khronos.desk.login import link_for


@dataclass(frozen=True)
class Made:
    password: str
    login_path: str


@transaction.atomic
def make_if_missing() -> Made | None:
    if User.objects.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(12)
    admin = User.objects.create_superuser("admin", password=password)
    return Made(password, link_for(admin))
