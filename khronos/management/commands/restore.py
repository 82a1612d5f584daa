"""Bring the database back from its copies: the newest state, or that of a moment. The present one is kept."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from django.utils.translation import gettext as _

from khronos.backup.engine import BackupFailed, engine
from khronos.backup.restore import Outcome, bring_back, bring_beside, insist_on_room
from khronos.launch import down
from khronos.launch.home import Home
from khronos.management.backupline import local, moment, progress_bar
from khronos.management.hands import language, silence, takes_language
from khronos.management.screen import screen
from khronos.observability.lengths import words


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        when = parser.add_mutually_exclusive_group(required=True)
        when.add_argument("--latest", action="store_true", help="the newest state that was copied")
        when.add_argument("--at", metavar="TIME", help="'2026-11-21 18:00:05', or 30s, 5min, 2h ago")
        parser.add_argument("--to", metavar="FILE", help="beside, in place of bringing it back for real")
        parser.add_argument("--stop", action="store_true", help="stop Khronos first, if it runs")
        takes_language(parser)

    def handle(self, *, at: str | None, to: str | None, stop: bool, lang: str | None, **_: Any) -> None:
        with translation.override(language(lang)), silence():
            try:
                when = moment(at) if at else None
                if to:
                    self.beside(to, when)
                else:
                    self.back(when, stop=stop)
            except BackupFailed as error:
                raise refusal(str(error), error.fix) from None

    def beside(self, to: str, at: datetime | None) -> None:
        copies = engine()
        if copies.kind == "sqlite":
            to = str(Path(to).absolute())
            if Path(to).exists():
                raise refusal(_("%(file)s is there already.") % {"file": to}, _("name another file"))
        with self.bar() as progress:
            outcome = bring_beside(copies, to, at, progress)
        self.tell(outcome)

    def back(self, at: datetime | None, *, stop: bool) -> None:
        copies = engine()
        insist_on_room(copies)
        copies.insist_on_copy(at)
        with halted(stop=stop), self.bar() as progress:
            outcome = bring_back(copies, at, progress)
        self.tell(outcome)
        if outcome.kept:
            self.stdout.write(f"   {_('the one before is kept')}: {outcome.kept}")
        self.stdout.write(f"   {_('`make up` goes on from here')}")

    @contextmanager
    def bar(self) -> Iterator[Any]:
        console = screen(self.stdout)
        with progress_bar(console, _("Restoring")) as progress:
            yield progress

    def tell(self, outcome: Outcome) -> None:
        restored, loss = outcome.restored, outcome.loss
        figures = {"at": local(restored.at), "place": restored.place, "took": words(restored.took_s)}
        self.stdout.write("✅ " + _("restored as it was at %(at)s, whole, in %(took)s") % figures)
        if not loss.is_known:
            self.stdout.write(f"   {_('what is lost cannot be said: the present database cannot be read')}")
        elif any(loss.rows.values()):
            rows = ", ".join(f"{count} {name}" for name, count in loss.rows.items() if count)
            since = words((datetime.now(UTC) - restored.at).total_seconds())
            self.stdout.write(
                "   " + _("not in it, from the last %(since)s: %(rows)s") % {"since": since, "rows": rows}
            )
        else:
            self.stdout.write(f"   {_('nothing is lost')}")


@contextmanager
def halted(*, stop: bool) -> Iterator[None]:
    """Nothing runs, and nothing can start meanwhile: the lock of `make up` is held."""
    home = Home.configured()
    home.make()
    lock = home.lock()
    if lock is None and stop:
        if down.run(argparse.Namespace()):
            raise CommandError(_("Khronos does not stop."))
        lock = home.lock()
    if lock is None:
        raise refusal(_("Khronos is running."), _("`make down` first, or add --stop"))
    with open(lock, "wb", closefd=True):
        yield


def refusal(reason: str, fix: str) -> CommandError:
    return CommandError(f"❌ {reason}\n  {_('Fix')}: {fix}.")
