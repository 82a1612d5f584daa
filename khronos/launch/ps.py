"""What runs: every process with its state, memory and restarts."""

import argparse
import json
import sys
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from khronos.launch import state
from khronos.launch.home import Home

COLOURS = {
    "running": "green",
    "starting": "yellow",
    "waiting": "yellow",
    "stopping": "yellow",
    "failed": "red",
    "frozen": "red",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    rows = state.rows(state.load(Home.configured()))
    if options.json:
        sys.stdout.write(json.dumps([asdict(row) for row in rows]) + "\n")
    elif rows:
        Console().print(table(rows))
    else:
        sys.stdout.write("Khronos is not running. `make up` starts it.\n")
    return 0


def table(rows: list[state.Row]) -> Table:
    result = listing()
    result.add_column("process")
    for name in ("pid", "state", "up", "memory", "restarts"):
        result.add_column(name, justify="left" if name == "state" else "right")
    for row in rows:
        state_text = f"[{COLOURS.get(row.state, 'dim')}]{row.state}[/]"
        up, memory = (ago(row.uptime_s), f"{row.rss_mb:.0f} MB") if row.pid else ("", "")
        result.add_row(row.name, str(row.pid or ""), state_text, up, memory, str(row.restarts))
    total = sum(row.rss_mb for row in rows)
    result.add_row("[dim]all[/]", "", "", "", f"[dim]{total:.0f} MB[/]", "")
    return result


def listing() -> Table:
    """Columns side by side, without lines."""
    return Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))


def ago(seconds: float) -> str:
    minutes, whole = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole} s" if minutes else f"{whole} s"
