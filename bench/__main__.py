"""`python -m bench [names…]`: measure, compare, judge. Exit code 1 when something promised is missed."""

import argparse
import sys
import time
from importlib import import_module
from pathlib import Path

from rich.console import Console

from bench import report
from bench.measure import Benchmark, Measure

BENCHMARKS = {
    "intake": "bench.intake",
    "dispatcher": "bench.dispatcher",
    "answers": "bench.answers",
    "burst": "bench.burst",
    "memory": "bench.memory",
    "restore": "bench.restore",
    "toll": "bench.toll",
    "ledger": "bench.ledger",
    "eyes": "bench.eyes",
    "knowledge": "bench.knowledge.measures",
    "reading": "bench.knowledge.meanwhile",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}; all by default"
    )
    parser.add_argument("--quick", action="store_true", help="shorter rounds, fewer of them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    console = Console(width=None if sys.stdout.isatty() else 120)
    started = time.monotonic()
    measures: list[Measure] = []
    for name in options.names or BENCHMARKS:
        benchmark: Benchmark = import_module(BENCHMARKS[name]).run
        with console.status(f"{name} …"):
            measures += benchmark(options.quick)
    seconds = time.monotonic() - started
    report.show(console, measures)
    console.print(f"[dim]{seconds:.0f} s; what each line means: docs/benchmarks.md[/dim]")
    if options.json:
        report.save(options.json, measures, seconds)
    return 0 if all(measure.is_met for measure in measures) else 1


if __name__ == "__main__":
    sys.exit(main())
