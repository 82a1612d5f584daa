"""The poller process."""

from typing import Any

from django.core.management.base import BaseCommand

from khronos.intake.poller import poll_all
from khronos.resilience.shutdown import stop_requested


class Command(BaseCommand):
    help = "Fetch updates from Telegram, for a machine without a public address."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        poll_all(stop_requested())
