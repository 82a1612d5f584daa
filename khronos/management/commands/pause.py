"""Let a tenant, channel, conversation or queue wait; alone: what is paused, and how much waits there."""

import argparse
import json
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from rich.table import Table

from khronos.conversation import pausing
from khronos.launch.ps import ago, listing
from khronos.management.byhand import ByHand
from khronos.management.hands import hushed, operator, takes_language
from khronos.management.screen import screen
from khronos.models import Pause
from khronos.models.pause import SUBJECTS

WIDE = 110  # characters: a name that `resume` takes is never broken


class Command(ByHand):
    help = __doc__ or ""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("kind", nargs="?", choices=SUBJECTS, help="what shall wait")
        parser.add_argument("name", nargs="?", help="a slug, a conversation's id, a queue's name")
        parser.add_argument("--json", action="store_true", help="the list, for programs")
        takes_language(parser)

    def handle(self, *, kind: str | None, name: str | None, **options: Any) -> None:
        if kind is None:
            self.show(as_json=options["json"])
        elif name is None:
            raise CommandError(_("Which %(kind)s? `python manage.py pause %(kind)s NAME`.") % {"kind": kind})
        else:
            self.pause(kind, name)

    def pause(self, kind: str, name: str) -> None:
        try:
            what = pausing.find(kind, name)
        except pausing.NotPausable as error:
            raise CommandError(str(error)) from None
        with hushed():
            is_new = pausing.pause(what, operator())
        row = Pause.objects.of(what).known().first()
        if row is None:
            raise CommandError(
                _("Somebody resumed %(what)s at this very moment.") % {"what": f"{kind} {name}"}
            )
        facts = {"what": row, "held": pausing.waiting(row), "age": length(row), "by": row.by}
        text = (
            _("%(what)s is paused. Waiting there: %(held)s.")
            if is_new
            else _("%(what)s was paused %(age)s ago by %(by)s. Waiting there: %(held)s.")
        )
        self.stdout.write(f"⏸  {text % facts}")
        self.stdout.write("   " + _("It goes on with `python manage.py resume %(what)s`.") % facts)

    def show(self, *, as_json: bool) -> None:
        rows = [(row, pausing.waiting(row)) for row in Pause.objects.known().order_by("paused_at")]
        if as_json:
            self.stdout.write(json.dumps([facts(row, held) for row, held in rows]))
        elif not rows:
            self.stdout.write(_("Nothing is paused."))
        else:
            console = screen(self.stdout, at_least=WIDE)
            console.print(table(rows))
            hint = _("`python manage.py resume %(what)s` lets it go on.") % {"what": rows[0][0]}
            console.print(hint, style="dim")


def facts(row: Pause, held: pausing.Held) -> dict[str, object]:
    return {
        "kind": row.kind,
        "name": row.name,
        "since": row.paused_at.isoformat(),
        "paused_s": round(seconds(row)),
        "by": row.by,
        "turns": held.turns,
        "deliveries": held.deliveries,
    }


def table(rows: list[tuple[Pause, pausing.Held]]) -> Table:
    result = listing()
    for title in (_("paused"), _("since"), _("by")):
        result.add_column(title, no_wrap=True)
    for title in (_("turns wait"), _("deliveries wait")):
        result.add_column(title, justify="right")
    for row, held in rows:
        result.add_row(str(row), length(row), row.by, str(held.turns), str(held.deliveries))
    return result


def seconds(row: Pause) -> float:
    return max(0.0, (timezone.now() - row.paused_at).total_seconds())


def length(row: Pause) -> str:
    return ago(seconds(row))
