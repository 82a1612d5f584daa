"""`manage.py up`, for `help`: manage.py itself runs it before Django has read the settings that it makes."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand

from khronos.launch import up
from settings.dotenv import ROOT


class Command(BaseCommand):
    help = up.__doc__ or ""
    requires_system_checks = ()

    def handle(self, **_options: Any) -> None:
        os.execv(sys.executable, [sys.executable, str(ROOT / "manage.py"), "up"])  # noqa: S606
