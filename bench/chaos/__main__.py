"""`python -m bench.chaos`: break everything at random, and judge. Exit code 1 when an invariant is broken."""

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from bench.chaos import report
from bench.chaos.run import Order, Outcome, play, staged
from bench.chaos.screen import Screen
from bench.instance import Instance


def main() -> int:
    order, file = read_arguments()
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(
        f"[bold]Chaos[/bold], seed [bold]{order.seed}[/bold]: again with"
        f" `make chaos SEED={order.seed} SECONDS={order.seconds:g} MODE={order.mode}"
        f" CHATS={order.chats} RATE={order.rate:g}`",
        highlight=False,
    )
    screen = Screen(console)
    with staged(order) as (world, khronos):
        outcome = play(order, world, khronos, screen)
        kept = None if outcome.good else keep(khronos, order)
    screen.show(outcome)
    if file:
        report.save(file, outcome)
    return conclude(console, outcome, kept)


def read_arguments() -> tuple[Order, Path | None]:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long things break")
    parser.add_argument("--seed", type=int, help="of an earlier run, to repeat it; else a new one")
    parser.add_argument("--mode", choices=["edit", "send"], default="edit", help="how answers are sent")
    parser.add_argument("--chats", type=int, default=40, help="how many people write")
    parser.add_argument("--rate", type=float, default=8.0, help="messages a second of all of them together")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save all figures")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1_000_000)
    return Order(seed, options.seconds, options.mode, options.chats, options.rate), options.json


def keep(khronos: Instance, order: Order) -> Path:
    """What is needed to find out why: the instance's logs and its database."""
    folder = Path(tempfile.mkdtemp(prefix=f"khronos-chaos-{order.seed}-"))
    shutil.copytree(khronos.home.path / "logs", folder / "logs")
    for path in [*khronos.home.path.glob("khronos.sqlite3*"), *khronos.folder.glob("up-*.log")]:
        shutil.copy(path, folder)
    return folder


def conclude(console: Console, outcome: Outcome, kept: Path | None) -> int:
    broken = sum(not finding.holds for finding in outcome.findings)
    if not broken:
        console.print(
            f"\n[bold green]All of it holds.[/bold green] Seed {outcome.order.seed}.", highlight=False
        )
        return 0
    console.print(
        f"\n[bold red]{broken} of {len(outcome.findings)} are broken.[/bold red]"
        f" Seed {outcome.order.seed}; logs and database: {kept}",
        highlight=False,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
