"""What a person sees of a run: each fault as it comes and as it is overcome, then the verdict."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from bench.chaos.invariants import Finding
from bench.chaos.plan import Fault, Plan
from bench.chaos.recovery import Recovery, Struck
from bench.chaos.run import Outcome
from bench.chaos.vitals import Vital
from bench.simulator.verdict import Verdict

SLOW_S = 10.0  # a recovery above this is worth a look
SHOWN = 8  # breaches of one invariant


class Screen:
    """Shows while it happens."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def planned(self, made: Plan, lines: int) -> None:
        self.console.print(
            f"{lines:,} messages and {len(made.faults)} faults in {made.seconds:.0f} s, then rest.\n"
        )

    def struck(self, at_s: float, fault: Fault) -> None:
        self._say(at_s, "[red]✗[/red]", f"[bold]{fault.target:<11}[/bold] {described(fault)}")

    def missed(self, at_s: float, fault: Fault) -> None:
        self._say(at_s, "[dim]·[/dim]", f"[dim]{fault.target:<11} {described(fault)}: nobody there[/dim]")

    def answered(self, at_s: float, struck: Struck) -> None:
        seconds = struck.recovery_s or 0.0
        colour = "green" if seconds < SLOW_S else "yellow"
        what = f"[dim]{struck.fault.target:<11} {struck.fault.kind}:[/dim]"
        self._say(at_s, "[green]✓[/green]", f"{what} [{colour}]answers {seconds:.1f} s after it[/{colour}]")

    def resting(self, at_s: float) -> None:
        self._say(at_s, " ", "[dim]all is said; waiting until all is answered …[/dim]")

    def rested(self, at_s: float, is_at_rest: bool) -> None:
        self._say(at_s, " ", "at rest" if is_at_rest else "[red]does not come to rest[/red]")

    def _say(self, at_s: float, sign: str, words: str) -> None:
        self.console.print(f"{at_s:7.1f} s  {sign} {words}", highlight=False)

    def show(self, outcome: Outcome) -> None:
        self.console.print()
        self.console.print(messages(outcome.verdict))
        self.console.print()
        self.console.print(recovery(outcome.recoveries))
        self.console.print()
        self.console.print(processes(outcome))
        self.console.print()
        for line in findings(outcome.findings):
            self.console.print(line, highlight=False, markup=False)


def described(fault: Fault) -> str:
    return f"{fault.kind} for {fault.lasts_s:.1f} s" if fault.lasts_s else str(fault.kind)


def plain(title: str, *columns: str) -> Table:
    """The first column is words, the others are numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.padding = (0, 3, 0, 0)
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", header_style="dim")
    return table


def messages(verdict: Verdict) -> Table:
    table = plain("Messages", "", "")
    table.show_header = False
    for name, value in (
        ("accepted", f"{verdict.accepted:,} in {verdict.deliveries:,} deliveries"),
        ("answered", f"{verdict.answered:,}"),
        ("lost", f"{len(verdict.lost)}"),
        ("repeated", f"{len(verdict.repeated)}"),
        ("out of order", f"{len(verdict.out_of_order)}"),
        ("never accepted", f"{len(verdict.undelivered)}"),
        ("wait, median", seconds(verdict.percentile(50))),
        ("wait, p95", seconds(verdict.percentile(95))),
        ("longest wait", seconds(verdict.longest_wait)),
    ):
        table.add_row(name, value)
    return table


def recovery(rows: Iterable[Recovery]) -> Table:
    table = plain(
        "Recovery: from a fault's end to the answer to what was asked then",
        "fault", "times", "median", "worst", "longest wait around it",
    )  # fmt: skip
    for row in rows:
        times = f"{row.faults - row.missed}"
        table.add_row(
            row.name, times, seconds(row.median_s), seconds(row.worst_s), seconds(row.longest_wait_s)
        )
    return table


def processes(outcome: Outcome) -> Table:
    table = plain("Processes", "", "restarts", "memory", "most")
    rows: list[Vital] = sorted(outcome.vitals, key=lambda row: -row.restarts)
    for row in rows:
        restarts = outcome.supervisors - 1 if row.name == "supervisor" else row.restarts
        table.add_row(row.name, f"{restarts}", f"{row.memory_mb:.0f} MB", f"{row.most_mb:.0f} MB")
    total = sum(row.memory_mb for row in rows)
    table.add_row("[dim]all[/dim]", "", f"{total:.0f} MB", "")
    return table


def findings(found: Iterable[Finding]) -> Iterable[str]:
    for finding in found:
        yield f"{'✅' if finding.holds else '❌'} {finding.name}"
        yield from (f"     {breach}" for breach in finding.breaches[:SHOWN])
        if len(finding.breaches) > SHOWN:
            yield f"     … and {len(finding.breaches) - SHOWN} more"


def seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"
