"""`manage.py ps`. manage.py runs it without Django; this port is for `help` and `call_command`."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand

from khronos.launch import ps


class Command(BaseCommand):
    help = ps.__doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        ps.add_arguments(parser)

    def handle(self, **options: Any) -> None:
        if code := ps.run(argparse.Namespace(**options)):
            raise SystemExit(code)
