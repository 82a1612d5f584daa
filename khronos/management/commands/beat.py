"""Run the timetable: one clock, however many are started."""

from typing import Any

from django.core.management.base import BaseCommand

from khronos.facts import exporter
from khronos.launch import beat


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = ()

    def handle(self, **_options: Any) -> None:
        exporter.begin()
        beat.run()
