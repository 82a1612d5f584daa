"""Circuit breakers: how they stand; leave a service alone for a while, or ask it again."""

import argparse
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from redis import RedisError

from khronos.desk.dashboard.phrases import phrases
from khronos.guards.breakers import breaker
from khronos.guards.views import guarded_names
from khronos.launch.ps import listing
from khronos.management.byhand import ByHand
from khronos.management.hands import hushed, takes_language
from khronos.management.screen import screen
from khronos.observability.lengths import words
from khronos.resilience.breakers import Snapshot, State

MINUTES_MOST = 24 * 60


class Command(ByHand):
    help = __doc__ or ""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True, metavar="list|open|close")
        deeds.add_parser("list", help="how they stand")
        open_ = deeds.add_parser(
            "open", help="leave a service alone; what needs it waits, or another does it"
        )
        open_.add_argument("name", help="as `list` shows it")
        open_.add_argument("--minutes", type=float, default=30.0, help="then one call tries (%(default)g)")
        deeds.add_parser("close", help="ask it again").add_argument("name")
        takes_language(*deeds.choices.values())

    def handle(self, *, deed: str, **options: Any) -> None:
        try:
            getattr(self, deed)(**options)
        except RedisError as error:
            raise CommandError(_("Valkey cannot be asked: %(why)s.") % {"why": error}) from None

    def list(self, **_options: Any) -> None:
        table = listing()
        for title in (_("name"), _("state"), _("calls"), _("failures"), _("tries again in")):
            table.add_column(title, no_wrap=True)
        said = phrases()
        for name in list(guarded_names()):
            row = breaker(name).snapshot()
            state = "?" if row.store_is_away else said[f"state.{row.state}"]
            table.add_row(name, state, str(row.calls), str(row.failures), again_in(row))
        screen(self.stdout).print(table)

    def open(self, *, name: str, minutes: float, **_options: Any) -> None:
        if not 0 < minutes <= MINUTES_MOST:
            raise CommandError(_("--minutes is more than none, and at most a day."))
        with hushed():
            breaker(known(name)).force_open(for_s=minutes * 60)
        figures = {"name": name, "time": words(minutes * 60)}
        self.stdout.write("✅ " + _("%(name)s is left alone for %(time)s; then one call tries.") % figures)

    def close(self, *, name: str, **_options: Any) -> None:
        if breaker(known(name)).snapshot().state is State.CLOSED:
            raise CommandError(_("%(name)s is asked already: its breaker is closed.") % {"name": name})
        with hushed():
            breaker(name).reset()
        self.stdout.write(
            "✅ " + _("%(name)s is asked again, and what waits for it is hurried.") % {"name": name}
        )


def again_in(row: Snapshot) -> str:
    return "" if row.probe_in_s is None else words(row.probe_in_s)


def known(name: str) -> str:
    names = list(guarded_names())
    if name not in names:
        facts = {"what": name, "names": ", ".join(names)}
        raise CommandError(_("There is no %(what)s. There are: %(names)s.") % facts)
    return name
