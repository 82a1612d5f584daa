"""How Grafana spells a dashboard: panels in rows of 24 columns, each with its queries, unit and limits."""

from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Any

from deploy.grafana.queries import Queries

COLUMNS = 24
SCHEMA = 39  # of Grafana 10.4 and later; newer ones migrate it by themselves
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
HEIGHTS = {"stat": 4, "timeseries": 8}

type Json = dict[str, Any]


@dataclass(frozen=True)
class Panel:
    title: str
    unit: str
    queries: Queries
    about: str = ""
    kind: str = "timeseries"
    red_from: float | None = None
    stacked: bool = False
    names: dict[int, str] = field(default_factory=dict)  # what single values mean

    def to_json(self, number: int, at: Json) -> Json:
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.about,
            "datasource": SOURCE,
            "gridPos": at,
            "fieldConfig": {"defaults": self._defaults(), "overrides": []},
            "options": self._options(),
            "targets": [
                {"refId": ref, "datasource": SOURCE, "expr": expr, "legendFormat": legend}
                for ref, (legend, expr) in zip(ascii_uppercase, self.queries.items(), strict=False)
            ],
        }

    def _defaults(self) -> Json:
        steps: list[Json] = [{"color": "green", "value": None}]
        if self.red_from is not None:
            steps.append({"color": "red", "value": self.red_from})
        defaults: Json = {"unit": self.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
        if self.names:
            options = {str(value): {"text": text, "index": value} for value, text in self.names.items()}
            defaults["mappings"] = [{"type": "value", "options": options}]
        if self.kind == "timeseries":
            defaults["custom"] = {
                "fillOpacity": 20 if self.stacked else 5,
                "showPoints": "never",
                "spanNulls": False,
                "stacking": {"mode": "normal" if self.stacked else "none"},
                "thresholdsStyle": {"mode": "off" if self.red_from is None else "line"},
            }
        return defaults

    def _options(self) -> Json:
        if self.kind == "stat":
            last = {"calcs": ["lastNotNull"], "fields": "", "values": False}
            return {"reduceOptions": last, "colorMode": "value", "graphMode": "area"}
        return {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }


def stat(title: str, unit: str, expr: str, about: str = "", **more: Any) -> Panel:
    return Panel(title, unit, {title: expr}, about, kind="stat", **more)


def graph(title: str, unit: str, queries: Queries, about: str = "", **more: Any) -> Panel:
    return Panel(title, unit, queries, about, **more)


@dataclass(frozen=True)
class Dashboard:
    uid: str
    title: str
    about: str
    rows: dict[str, tuple[Panel, ...]]
    variables: dict[str, str] = field(default_factory=dict)  # name → the metric whose label it is

    def to_json(self) -> Json:
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.about,
            "tags": ["khronos"],
            "schemaVersion": SCHEMA,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": "now-3h", "to": "now"},
            "timezone": "",
            "links": [OTHERS],
            "annotations": {"list": [ALERTS]},
            "templating": {"list": [DATASOURCE, *(variable(*each) for each in self.variables.items())]},
            "panels": list(self._panels()),
        }

    def _panels(self) -> list[Json]:
        panels: list[Json] = []
        y = 0
        for title, row in self.rows.items():
            panels.append(heading(title, len(panels) + 1, y))
            y += 1
            width, height = COLUMNS // len(row), max(HEIGHTS[panel.kind] for panel in row)
            for place, panel in enumerate(row):
                at = {"x": place * width, "y": y, "w": width, "h": height}
                panels.append(panel.to_json(len(panels) + 1, at))
            y += height
        return panels


DATASOURCE: Json = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
OTHERS: Json = {
    "type": "dashboards",
    "title": "Khronos",
    "tags": ["khronos"],
    "asDropdown": True,
    "keepTime": True,
}
ALERTS: Json = {
    "name": "Alerts",
    "enable": True,
    "iconColor": "red",
    "datasource": SOURCE,
    "expr": 'ALERTS{alertstate="firing", alertname=~"Khronos.*"}',
    "titleFormat": "{{alertname}}",
    "step": "60s",
}


def heading(title: str, number: int, y: int) -> Json:
    at = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": at, "panels": []}


def variable(name: str, metric: str) -> Json:
    """A choice among a label's values; all of them at first."""
    query = f"label_values({metric}, {name})"
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": SOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }
