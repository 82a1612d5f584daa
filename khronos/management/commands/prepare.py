"""Bring the database up to date and furnish it, where something else than `up` starts the processes."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from khronos.launch.home import Home
from khronos.launch.prepare import furnish
from khronos.launch.probes import address
from khronos.launch.screen import Screen
from settings import dotenv


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, **_options: Any) -> None:
        furnish(Home(settings.KHRONOS_HOME), Screen(), settings.PUBLIC_URL or address(dotenv.merged()))
