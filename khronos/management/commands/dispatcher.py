"""The dispatcher process."""

from functools import partial
from typing import Any

from django.core.management.base import BaseCommand

from khronos.conversation.dispatcher import Dispatcher
from khronos.observability import heartbeat
from khronos.resilience.shutdown import stop_requested


class Command(BaseCommand):
    help = "Read the bus and hand every update to whoever answers it."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        Dispatcher(alive=partial(heartbeat.beat, "dispatcher")).run(stop_requested())
