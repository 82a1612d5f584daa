"""Let go on what was paused: all that waited is rung for at once."""

import argparse
from typing import Any

from django.core.management.base import CommandError

from khronos.conversation import pausing
from khronos.management.byhand import ByHand
from khronos.management.hands import hushed, operator
from khronos.models import Pause
from khronos.models.pause import SUBJECTS


class Command(ByHand):
    help = __doc__ or ""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("kind", choices=SUBJECTS, help="what may go on")
        parser.add_argument("name", help="as `pause` shows it")

    def handle(self, *, kind: str, name: str, **_options: Any) -> None:
        try:
            with hushed():
                rung = pausing.resume(pausing.find(kind, name), operator())
        except pausing.NotPausable as error:
            raise CommandError(str(error)) from None
        if rung is None:
            self.stdout.write(f"{kind} {name} is not paused.")
        else:
            self.stdout.write(f"▶  {kind} {name} goes on. Rung for: {rung}.")
        if others := ", ".join(map(str, Pause.objects.known().order_by("paused_at"))):
            self.stdout.write(f"   Still paused: {others}.")
