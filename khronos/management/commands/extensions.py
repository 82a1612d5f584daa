"""What was laid beside Khronos: each file is loaded, channels and providers meet a service that fails."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from khronos.management.byhand import ByHand
from khronos.management.contracts import kept


class Command(ByHand):
    help = __doc__ or ""

    def handle(self, **_options: Any) -> None:
        found = False
        faulty = 0
        for what, broken in kept():
            found = True
            faulty += bool(broken)
            self.stdout.write(f"{'❌' if broken else '✅'} {what}")
            for promise in broken:
                self.stdout.write(f"     {promise}")
        if not found:
            folder = settings.EXTENSIONS_HOME
            self.stdout.write(_("Nothing is in %(folder)s (docs/extending.md).") % {"folder": folder})
        if faulty:
            raise CommandError(_("%(n)s of them would not work.") % {"n": faulty})
