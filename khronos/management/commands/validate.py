"""`manage.py validate`. manage.py runs it without Django's checks; this port is for `help`."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand

from khronos.management import validate


class Command(BaseCommand):
    help = validate.__doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        validate.add_arguments(parser)

    def handle(self, **options: Any) -> None:
        if code := validate.run(argparse.Namespace(**options)):
            raise SystemExit(code)
