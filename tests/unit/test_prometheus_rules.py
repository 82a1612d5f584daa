"""Prometheus' own tool reads our configuration; each alert is shown to fire, and to stay silent."""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import missing
from tests.prometheus_rules import FOLDER, Alert, alerts, load, metrics_in, recorded

SCENES = sorted(FOLDER.glob("tests/*.yml"))


def promtool(*arguments: str | Path) -> None:
    if not shutil.which("promtool"):
        missing("promtool")
    said = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


@cache
def scenes(file: str) -> list[dict[str, Any]]:
    return list(load(FOLDER / "tests" / f"{file}.yml")["tests"])


def fires(scene: dict[str, Any], alert: Alert) -> bool:
    asked = [test for test in scene.get("promql_expr_test", []) if "ALERTS" in test["expr"]]
    return any(f'alertname="{alert.name}"' in s["labels"] for test in asked for s in test["exp_samples"])


def has_all_of(scene: dict[str, Any], names: set[str]) -> bool:
    given = {row["series"].partition("{")[0] for row in scene["input_series"]}
    return names <= given


def test_the_configuration_is_one(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "prometheus")
    (tmp_path / "prometheus" / "metrics_token").write_text("token")
    promtool("check", "config", tmp_path / "prometheus" / "prometheus.yml")


@pytest.mark.parametrize("path", SCENES, ids=lambda path: path.stem)
def test_scenes_end_as_told(path: Path) -> None:
    promtool("test", "rules", path)


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_every_alert_has_a_scene_where_it_fires_and_one_where_it_could_and_does_not(alert: Alert) -> None:
    those_with_its_numbers = [s for s in scenes(alert.file) if has_all_of(s, metrics_in(alert.expr))]
    assert any(fires(scene, alert) for scene in those_with_its_numbers)
    assert any(not fires(scene, alert) and "promql_expr_test" in scene for scene in those_with_its_numbers)


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_every_alert_says_what_it_is_how_bad_and_where_help_is(alert: Alert) -> None:
    assert alert.labels["severity"] in ("warning", "error", "critical")
    assert set(alert.annotations) == {"summary", "description", "runbook_url"}
    assert alert.annotations["summary"].endswith(".")
    assert alert.annotations["runbook_url"].startswith("docs/runbooks/")


def test_names_are_given_once() -> None:
    names = [alert.name for alert in alerts()]
    assert sorted(set(names)) == sorted(names)
    assert len(names) == 35


def test_whatever_is_recorded_is_asked_for() -> None:
    asked = " ".join(alert.expr for alert in alerts()) + " ".join(recorded().values())
    boards = "".join(p.read_text("utf-8") for p in FOLDER.parent.glob("grafana/dashboards/*.json"))
    assert [name for name in recorded() if name not in asked and name not in boards] == []
