"""Run one Celery worker."""

import argparse
import os
from typing import Any

from django.core.management.base import BaseCommand

from khronos.launch import worker


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("queues", nargs="+", help="whose jobs it does")
        parser.add_argument("--threads", type=int, default=8, help="jobs at once")

    def handle(self, *, queues: list[str], threads: int, **_options: Any) -> None:
        role = "agent" if "agent.ai" in queues else "worker"
        worker.run(role, os.environ.get("KHRONOS_PROCESS", role), queues, threads)
