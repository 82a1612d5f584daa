"""Run the timetable: one clock, however many are started."""

from typing import Any

from django.core.management.base import BaseCommand

from khronos.celery import app


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, **_options: Any) -> None:
        app.Beat(scheduler="khronos.launch.beat:LeasedScheduler", quiet=True, loglevel="INFO").run()
