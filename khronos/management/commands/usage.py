"""What models have cost in a month: by tenant, model, kind of call and day."""

import argparse
import json
from datetime import date
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from rich.console import Console
from rich.table import Table

from khronos.launch.ps import listing
from khronos.management.byhand import ByHand, tenant_of
from khronos.management.hands import takes_language
from khronos.management.screen import screen
from khronos.usage.prices import money
from khronos.usage.report import Line, Report, month_of, report

WIDE = 100  # characters, where nobody knows how wide it is
BAR = 24


class Command(ByHand):
    help = __doc__ or ""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--tenant", default="", help="its slug; without it: all of them")
        parser.add_argument("--month", default="", help="2026-11; without it: this one, in UTC")
        parser.add_argument("--json", action="store_true", help="for programs")
        takes_language(parser)

    def handle(self, *, tenant: str, month: str, **options: Any) -> None:
        found = report(beginning(month), tenant_of(tenant) if tenant else None)
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json(), ensure_ascii=False))
            return
        console = screen(self.stdout)
        if not console.is_terminal:
            console.width = max(console.width, WIDE)
        show(found, console)


def beginning(month: str) -> date:
    first = month_of(month)
    if first is None:
        raise CommandError(_("A month is written as 2026-11."))
    return first


def show(found: Report, console: Console) -> None:
    total = {"month": f"{found.month:%Y-%m}", "cost": money(found.total.micros), "n": found.total.calls}
    console.print(f"[bold]{_('%(month)s: %(cost)s for %(n)s calls') % total}[/]")
    if not found.total.calls and not found.tenants:
        return
    for title, lines in (
        (_("tenant"), found.tenants),
        (_("model"), found.models),
        (_("agent"), found.agents),
        (_("kind"), found.kinds),
        (_("day"), [line for line in found.days if line.calls]),
    ):
        console.print()
        console.print(table(title, lines))


def table(title: str, lines: list[Line]) -> Table:
    result = listing()
    result.add_column(title, no_wrap=True)
    for name in (_("calls"), _("tokens in"), _("tokens out"), _("cost")):
        result.add_column(name, justify="right", no_wrap=True)
    result.add_column("")
    most = max((line.micros for line in lines), default=0)
    for line in lines:
        numbers = (f"{number:,}" for number in (line.calls, line.input_tokens, line.output_tokens))
        result.add_row(line.name, *numbers, money(line.micros), remark(line, most))
    return result


def remark(line: Line, most: int) -> str:
    if line.share is not None:
        return _("%(share)s of %(budget)s") % {"share": f"{line.share:.0%}", "budget": money(line.limit)}
    bar = "━" * max(1, round(BAR * line.micros / most)) if most and line.micros else ""
    return bar if line.is_priced else f"{bar} {_('price not known')}".strip()
