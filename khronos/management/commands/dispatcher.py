"""The dispatcher process."""

from typing import Any

from django.core.management.base import BaseCommand

from khronos.conversation.dispatcher import Dispatcher
from khronos.facts import exporter
from khronos.launch.closing import closes
from khronos.observability import canaries
from khronos.resilience.farewell import Farewell, Step


class Command(BaseCommand):
    help = "Read the bus and hand every update to whoever answers it."
    requires_system_checks = ()

    def handle(self, **_options: Any) -> None:
        exporter.begin()
        with Farewell() as farewell:
            dispatcher = Dispatcher(alive=canaries.beat)
            farewell.on(Step.SOURCES, dispatcher.stop_reading)
            farewell.counts(lambda: dispatcher.in_hand)
            farewell.on(Step.UNFINISHED, dispatcher.leave)
            closes(farewell)
            dispatcher.run(farewell.stopping)
