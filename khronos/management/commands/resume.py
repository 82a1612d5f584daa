"""Let go on what was paused: all that waited is rung for at once."""

import argparse
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from khronos.conversation import pausing
from khronos.management.byhand import ByHand
from khronos.management.hands import hushed, operator, takes_language
from khronos.models import Pause
from khronos.models.pause import SUBJECTS


class Command(ByHand):
    help = __doc__ or ""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("kind", choices=SUBJECTS, help="what may go on")
        parser.add_argument("name", help="as `pause` shows it")
        takes_language(parser)

    def handle(self, *, kind: str, name: str, **_options: Any) -> None:
        try:
            with hushed():
                rung = pausing.resume(pausing.find(kind, name), operator())
        except pausing.NotPausable as error:
            raise CommandError(str(error)) from None
        if rung is None:
            self.stdout.write(_("%(what)s is not paused.") % {"what": f"{kind} {name}"})
        else:
            facts = {"what": f"{kind} {name}", "rung": rung}
            self.stdout.write("▶  " + _("%(what)s goes on. Rung for: %(rung)s.") % facts)
        if others := ", ".join(map(str, Pause.objects.known().order_by("paused_at"))):
            self.stdout.write("   " + _("Still paused: %(others)s.") % {"others": others})
