"""Run one Celery worker."""

import argparse
import os
import threading
from typing import Any

from django.core.management.base import BaseCommand

from khronos.agents import providers
from khronos.facts import exporter
from khronos.launch import worker


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("queues", nargs="+", help="whose jobs it does")
        parser.add_argument("--threads", type=int, default=8, help="jobs at once")

    def handle(self, *, queues: list[str], threads: int, **_options: Any) -> None:
        exporter.begin()
        role = "agent" if "agent.ai" in queues else "worker"
        if role == "agent":
            threading.Thread(target=providers.warm_up, daemon=True).start()
        worker.run(role, os.environ.get("KHRONOS_PROCESS", role), queues, threads)
