"""Print a link that signs in, once, within an hour."""

import argparse
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from khronos.desk.login import link_for
from khronos.launch.probes import address
from khronos.management.byhand import ByHand
from settings import dotenv


class Command(ByHand):
    help = __doc__ or ""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("user", nargs="?", default="admin")

    def handle(self, *, user: str, **_options: Any) -> None:
        found = User.objects.filter(username=user, is_active=True).first()
        if found is None:
            raise CommandError(
                f"There is no active user {user}. `python manage.py createsuperuser` makes one."
            )
        known = dotenv.merged()
        url = known.get("PUBLIC_URL") or address(known)
        self.stdout.write(f"{url.rstrip('/')}{link_for(found)}")
