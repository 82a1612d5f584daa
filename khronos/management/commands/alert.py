"""Alerts: test the means of telling, list what is open, mute, resolve."""

import argparse
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from khronos.alerts import clock, end_alert
from khronos.herald import trial
from khronos.herald.standing import standing
from khronos.launch.ps import ago, listing
from khronos.management.byhand import ByHand
from khronos.management.hands import hushed, operator, takes_language
from khronos.management.screen import screen
from khronos.models import Alert
from khronos.models.alert_policy import LEVELS

WIDE = 110  # characters: a name that other commands take is never broken
MOST = 50


class Command(ByHand):
    help = __doc__ or ""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True, metavar="test|list|mute|unmute|resolve")
        test = deeds.add_parser("test", help="send one by every means, and say what came of it")
        test.add_argument("--level", choices=LEVELS, default="info")
        shown = deeds.add_parser("list", help="what is open")
        shown.add_argument("--all", action="store_true", help="what is over, too")
        mute = deeds.add_parser("mute", help="nobody hears of it, unless it gets worse")
        mute.add_argument("name")
        mute.add_argument("--hours", type=float, help="without it: until it is over")
        for deed, text in (("unmute", "people hear of it again"), ("resolve", "it is over")):
            deeds.add_parser(deed, help=text).add_argument("name")
        takes_language(*deeds.choices.values())

    def handle(self, *, deed: str, **options: Any) -> None:
        getattr(self, deed)(**options)

    def test(self, *, level: str, **_options: Any) -> None:
        with hushed():
            outcomes = trial.try_all(level)
        for each in outcomes:
            self.stdout.write(str(each))
        if not any(each.is_told for each in outcomes):
            raise CommandError(_("Nobody was told."))

    def list(self, **options: Any) -> None:
        rows = Alert.objects.filter(count__gt=0).order_by("-repeated_at")
        rows = rows if options["all"] else rows.open()
        shown = list(rows[: MOST + 1])
        if not shown:
            self.stdout.write(_("There was no alert yet.") if options["all"] else _("No alert is open."))
            return
        console = screen(self.stdout, at_least=WIDE)
        table = listing()
        for title in (_("level"), _("name"), _("since"), _("times")):
            table.add_column(title, no_wrap=True)
        for title in (_("told"), _("text")):
            table.add_column(title, overflow="fold")
        for row in shown[:MOST]:
            since = ago((timezone.now() - row.raised_at).total_seconds())
            table.add_row(
                row.get_level_display(), row.name, since, str(row.count), str(standing(row)), row.text[:160]
            )
        console.print(table)
        if len(shown) > MOST:
            self.stdout.write(
                _("… and more: the newest %(n)s are shown, /admin/khronos/alert/ has all.") % {"n": MOST}
            )

    def mute(self, *, name: str, hours: float | None, **_options: Any) -> None:
        if hours is not None and not 0 < hours <= 24 * 365:
            raise CommandError(_("--hours is more than none, and at most a year."))
        row = found(name)
        if not Alert.objects.mute(row.pk, hours, operator(), clock.moment()):
            raise CommandError(_("%(name)s is over already.") % {"name": name})
        if hours is None:
            text = _("%(name)s is muted until it is over, unless it gets worse.") % {"name": name}
        else:
            figures = {"name": name, "n": f"{hours:g}"}
            text = _("%(name)s is muted for %(n)s h, unless it gets worse.") % figures
        self.stdout.write(f"🔇 {text}")

    def unmute(self, *, name: str, **_options: Any) -> None:
        if not Alert.objects.unmute(found(name).pk, clock.moment()):
            raise CommandError(_("%(name)s is not muted.") % {"name": name})
        self.stdout.write("🔔 " + _("%(name)s is heard of again.") % {"name": name})

    def resolve(self, *, name: str, **_options: Any) -> None:
        found(name)
        with hushed():
            if not end_alert(name):
                raise CommandError(_("%(name)s is over already.") % {"name": name})
        text = _("%(name)s is over; it is raised again should its cause last.") % {"name": name}
        self.stdout.write(f"✅ {text}")


def found(name: str) -> Alert:
    row = Alert.objects.filter(name=name, count__gt=0).first()
    if row is None:
        open_ = ", ".join(Alert.objects.open().order_by("name").values_list("name", flat=True)[:20])
        raise CommandError(
            _("There is no alert %(name)s. Open are: %(names)s.") % {"name": name, "names": open_ or "–"}
        )
    return row
