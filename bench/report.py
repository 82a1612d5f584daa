"""The table that a person reads, and the file that a machine reads."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measure import Measure


def show(console: Console, measures: Sequence[Measure]) -> None:
    table = Table(title="Khronos, measured", title_justify="left")
    for name in ("measure", "ours", "reference", "ratio", "at least", "goal", ""):
        table.add_column(name, justify="left" if name in ("measure", "reference") else "right")
    for measure in measures:
        table.add_row(*cells(measure))
    console.print(table)
    for measure in measures:
        for name, parts in measure.details.items():
            if name.startswith("parts") and isinstance(parts, dict):
                listed = ", ".join(f"{part} {share}" for part, share in parts.items())
                console.print(f"{measure.name} ({name}): {listed}", style="dim")


def cells(measure: Measure) -> list[str]:
    reference = (
        f"{figure(measure.reference)} {measure.reference_name}" if measure.reference is not None else ""
    )
    ratio = f"{measure.ratio:.2f}" if measure.ratio is not None else ""
    cells = [measure.name, f"{figure(measure.ours)} {measure.unit}", reference, ratio]
    target = measure.target
    if target is None:
        return [*cells, "", "", ""]
    sign = "≤ " if target.less_is_better else ""
    mark = "❌" if not measure.is_met else "✅ goal" if target.is_goal_met(measure.judged) else "✅"
    return [*cells, f"{sign}{figure(target.at_least)}", f"{sign}{figure(target.goal)}", mark]


def figure(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}".rstrip("0").rstrip(".")


def save(path: Path, measures: Sequence[Measure], seconds: float) -> None:
    machine = {"cpus": os.cpu_count(), "load": os.getloadavg(), "python": platform.python_version()}
    rows = [asdict(measure) | {"ratio": measure.ratio, "met": measure.is_met} for measure in measures]
    path.write_text(
        json.dumps({"machine": machine, "seconds": round(seconds, 1), "measures": rows}, indent=1)
    )
