"""The poller process."""

from typing import Any

from django.core.management.base import BaseCommand

from khronos.facts import exporter
from khronos.intake.poller import Polling
from khronos.launch.closing import closes, with_database
from khronos.resilience.farewell import Farewell, Step


class Command(BaseCommand):
    help = "Fetch updates from Telegram, for a machine without a public address."
    requires_system_checks = ()

    def handle(self, **_options: Any) -> None:
        exporter.begin()
        with Farewell() as farewell:
            polling = Polling(farewell.stopping)
            farewell.on(Step.SOURCES, polling.stop)
            farewell.counts(polling.in_hand)
            farewell.on(Step.UNFINISHED, with_database(polling.let_go))
            closes(farewell)
            polling.run()
