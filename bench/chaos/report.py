"""The file that a machine reads: the order, each fault, and the verdict in figures."""

import json
import os
import platform
from dataclasses import asdict
from pathlib import Path

from bench.chaos.recovery import Struck
from bench.chaos.run import Outcome


def save(path: Path, outcome: Outcome) -> None:
    path.write_text(json.dumps(figures(outcome), indent=1, ensure_ascii=False) + "\n", "utf-8")


def figures(outcome: Outcome) -> dict[str, object]:
    return {
        "order": asdict(outcome.order),
        "good": outcome.good,
        "machine": {"cpus": os.cpu_count(), "load": os.getloadavg(), "python": platform.python_version()},
        "messages": outcome.verdict.summary(),
        "invariants": {finding.name: list(finding.breaches) for finding in outcome.findings},
        "rested_s": outcome.rested_s,
        "recovery": [asdict(row) for row in outcome.recoveries],
        "supervisors": outcome.supervisors,
        "processes": [asdict(row) for row in outcome.vitals],
        "faults": [fault(struck) for struck in outcome.struck],
    }


def fault(struck: Struck) -> dict[str, object]:
    return asdict(struck.fault) | {"missing": struck.missing, "recovery_s": struck.recovery_s}
