"""Copies of the database: what there is, whether they arrive, and whether they are any good."""

import argparse
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from rich.table import Table

from khronos.backup.engine import BackupFailed, Copy, NoCopy, engine, first_moment, nobody
from khronos.backup.validate import try_newest
from khronos.launch.ps import listing
from khronos.management.backupline import local, megabytes, progress_bar
from khronos.management.byhand import ByHand
from khronos.management.hands import silence, takes_language
from khronos.management.screen import screen
from khronos.models import BackupCheck, BackupState
from khronos.observability.lengths import words

MOST = 40  # lines of a list that somebody reads


class Command(ByHand):
    help = __doc__ or ""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True, metavar="list|status|make|verify")
        listed = deeds.add_parser("list", help="whole copies, and which moments can be restored")
        listed.add_argument("--all", action="store_true", help="every piece, finer ones too")
        deeds.add_parser("status", help="do copies arrive, and was the last one that was tried good?")
        make = deeds.add_parser("make", help="a copy now, without waiting for the next one")
        verify = deeds.add_parser("verify", help="restore the newest copy on trial, and judge it")
        for each in (make, verify):
            each.add_argument("--quiet", action="store_true", help="for beat: its outcome is kept, not shown")
        takes_language(*deeds.choices.values())

    def handle(self, *, deed: str, **options: Any) -> None:
        with silence():
            try:
                getattr(self, deed)(**options)
            except BackupFailed as error:
                raise CommandError(f"❌ {error}\n  {_('Fix')}: {error.fix}.") from None

    def list(self, **options: Any) -> None:
        copies = engine().list_copies()
        if not copies:
            raise NoCopy(_("There is no copy yet."), _("`python manage.py backup make` makes one"))
        shown = copies if options["all"] else [copy for copy in copies if copy.kind != "changes"]
        console = screen(self.stdout)
        console.print(table(sorted(shown, key=lambda copy: copy.at)[-MOST:]))
        if len(shown) > MOST:
            console.print(_("… and %(n)s older ones") % {"n": len(shown) - MOST}, style="dim")
        console.print(self.summary(copies))

    def summary(self, copies: "Sequence[Copy]") -> str:
        size = megabytes(sum(copy.size for copy in copies))
        if caveat := engine().caveat:
            return _("%(n)s copies, %(size)s MB; %(caveat)s.") % {
                "n": len(copies), "size": size, "caveat": caveat,
            }  # fmt: skip
        kept = [copy for copy in copies if copy.kind != "dump"]
        first = first_moment(kept)
        last = max(first, *(copy.at for copy in kept))
        return _("Any moment from %(first)s to %(last)s can be restored; %(size)s MB in %(n)s pieces.") % {
            "first": local(first),
            "last": local(last),
            "size": size,
            "n": len(copies),
        }

    def status(self, **_options: Any) -> None:
        copies = engine()
        self.stdout.write(f"{_('copies')}   {copies.kind} → {copies.goes_to()}")
        if copies.caveat:
            self.stdout.write(f"   {copies.caveat}")
        ok = [self.line(*arrival()), self.line(*trial())]
        if not all(ok):
            raise SystemExit(1)

    def line(self, ok: bool, text: str) -> bool:
        self.stdout.write(f"{'✅' if ok else '❌'} {text}")
        return ok

    def make(self, *, quiet: bool, **_options: Any) -> None:
        console = screen(self.stdout)
        with progress_bar(console, _("Making a copy")) as progress:
            copy = engine().make(nobody if quiet else progress)
        if not quiet:
            figures = {"at": local(copy.at), "size": megabytes(copy.size)}
            self.line(True, _("copied as it is at %(at)s, %(size)s MB") % figures)

    def verify(self, *, quiet: bool, **_options: Any) -> None:
        console = screen(self.stdout)
        with progress_bar(console, _("Restoring the newest copy on trial")) as progress:
            check = try_newest(nobody if quiet else progress)
        if not quiet:
            self.line(*said(check))
        if not check.ok:
            raise SystemExit(1)


def arrival() -> tuple[bool, str]:
    """Asked now, not remembered."""
    try:
        copies = engine()
        age_s = copies.age()
    except BackupFailed as error:
        row = BackupState.objects.filter(pk=BackupState.ONLY).first()
        since = (
            f" {_('Newest copy: %(age)s ago.') % {'age': words(row.age_s)}}" if row and row.arrived_at else ""
        )
        return False, f"{_('arrives')}  {error}{since} {_('Fix')}: {error.fix}."
    return age_s <= copies.late_s, f"{_('arrives')}  {_('%(age)s ago') % {'age': words(age_s)}}"


def trial() -> tuple[bool, str]:
    newest = BackupCheck.objects.newest()
    if newest is None or newest.ended_at is None:
        return True, f"{_('trial')}    {_('not tried yet; `python manage.py backup verify` does')}"
    ok, text = said(newest)
    ago = words((timezone.now() - newest.ended_at).total_seconds())
    return ok, f"{_('trial')}    {_('%(age)s ago') % {'age': ago}}: {text}"


def said(check: BackupCheck) -> tuple[bool, str]:
    if not check.ok:
        return False, check.verdict
    figures = {
        "size": megabytes(check.size),
        "restored": words(check.restored_s),
        "judged": words(check.judged_s),
    }
    took = _("%(size)s MB, restored in %(restored)s, judged in %(judged)s") % figures
    return True, f"{check.verdict} ({took})"


def table(copies: "list[Copy]") -> Table:
    result = listing()
    for title in (_("until"), _("kind"), _("position")):
        result.add_column(title, no_wrap=True)
    result.add_column("MB", justify="right")
    kinds = {"whole": _("whole"), "changes": _("changes"), "dump": _("dump")}
    for copy in copies:
        result.add_row(local(copy.at), kinds[copy.kind], copy.position, megabytes(copy.size))
    return result
