"""Run the timetable: one clock, however many are started."""

import os
from typing import Any

from django.core.management.base import BaseCommand

from khronos.celery import app


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = ()

    def handle(self, **_options: Any) -> None:
        os.environ["CELERY_SKIP_CHECKS"] = "1"  # they would load every page of the admin
        app.Beat(quiet=True, loglevel="INFO").run()
