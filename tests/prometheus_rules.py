"""The rules of deploy/prometheus, as their tests, the runbooks' and the live one's read them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[1] / "deploy" / "prometheus"
METRIC = re.compile(r"\b(?:khronos[_:]\w+(?::\w+)*|up)\b")


@dataclass(frozen=True)
class Alert:
    name: str
    expr: str
    file: str
    labels: dict[str, str]
    annotations: dict[str, str]


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def rules() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(FOLDER.glob("rules/*.yml")):
        for group in load(path)["groups"]:
            yield from ((path.stem, rule) for rule in group["rules"])


def alerts() -> list[Alert]:
    return [
        Alert(rule["alert"], rule["expr"], file, rule["labels"], rule["annotations"])
        for file, rule in rules()
        if "alert" in rule
    ]


def recorded() -> dict[str, str]:
    """Recorded series, and what each is made of."""
    return {rule["record"]: rule["expr"] for _, rule in rules() if "record" in rule}


def metrics_in(expr: str) -> set[str]:
    """What Khronos itself must offer for it: recorded series are followed to what they are made of."""
    found: set[str] = set()
    for name in METRIC.findall(expr):
        found |= metrics_in(recorded()[name]) if ":" in name else {name}
    return found
