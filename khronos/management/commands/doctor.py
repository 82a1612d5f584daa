"""Look at everything that Khronos needs, say in words what is amiss, and how it is mended."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import translation
from django.utils.translation import gettext as _
from rich.text import Text

from khronos.exceptions import Failure
from khronos.management.diagnosis import PARTS, Finding
from khronos.management.hands import language, silence, takes_language
from khronos.management.screen import screen


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--fix", action="store_true", help="mend what is safe to mend: permissions, webhook"
        )
        takes_language(parser)

    def handle(self, *, fix: bool, lang: str | None, **_options: Any) -> None:
        with silence(), translation.override(language(lang)):
            self.look(fix)

    def look(self, fix: bool) -> None:
        self.console = screen(self.stdout)
        left = sum(self.tell(finding, fix) for name, look in PARTS for finding in self.under(name, look()))
        if left:
            self.say(_("To be mended: %(n)s.") % {"n": left}, "bold yellow")
            raise SystemExit(1)
        self.say(_("Nothing needs mending."), "bold green")

    def under(self, name: str, findings: Any) -> Any:
        self.say(translation.gettext(name), "bold")
        return findings

    def tell(self, finding: Finding, fix: bool) -> bool:
        """True where something is left to do."""
        if finding.is_well:
            self.say(f"  ✅ {finding.says}")
            return False
        if fix and finding.mend and (said := mended(finding)):
            self.say(f"  🔧 {finding.says}: {said}", "green")
            return False
        self.say(f"  ❌ {finding.says}", "red")
        self.say(f"     {_('Fix')}: {finding.fix}")
        return True

    def say(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style=style))


def mended(finding: Finding) -> str:
    """Empty where it could not be."""
    assert finding.mend is not None  # noqa: S101
    try:
        finding.mend()
    except (Failure, OSError):
        return ""
    return _("mended")
