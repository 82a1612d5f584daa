"""A real Prometheus with the configuration of deploy/prometheus, that looks once a second."""

import json
import math
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.patience import free_ports, until
from tests.conftest import missing
from tests.prometheus_rules import FOLDER

FILLED = {"$__rate_interval": "10s", "$instance": ".*", "$model": ".*"}  # what Grafana would put in


@dataclass(frozen=True)
class Prometheus:
    url: str

    def ask(self, path: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def series(self, expr: str, since: float, until_: float) -> list[list[float]]:
        """What a panel would draw."""
        for name, value in FILLED.items():
            expr = expr.replace(name, value)
        found = self.ask("query_range", query=expr, start=str(since), end=str(until_), step="1")["result"]
        lines = [[float(value) for _, value in line["values"]] for line in found]
        return [drawn for line in lines if (drawn := [value for value in line if not math.isnan(value)])]

    def values(self, label: str, metric: str) -> list[str]:
        """What Grafana offers of a variable."""
        return list(self.ask(f"label/{label}/values", **{"match[]": metric}))

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def firing(self) -> dict[str, dict[str, str]]:
        """Names, and the texts that an operator would read."""
        alerts = self.ask("alerts")["alerts"]
        return {a["labels"]["alertname"]: a["annotations"] for a in alerts if a["state"] == "firing"}

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1):
                return True
        except OSError:
            return False


@contextmanager
def watching(folder: Path, target: str, token: str) -> Iterator[Prometheus]:
    if not shutil.which("prometheus"):
        missing("Prometheus")
    home = folder / "prometheus"
    shutil.copytree(FOLDER, home)
    (home / "metrics_token").write_text(token)
    (home / "targets" / "khronos.yml").write_text(f"- targets: ['{target}']\n")
    config = (home / "prometheus.yml").read_text("utf-8")
    (home / "prometheus.yml").write_text(re.sub(r"\b\d+s$", "1s", config, flags=re.MULTILINE))
    (port,) = free_ports(1)
    with (folder / "prometheus.log").open("wb") as log:
        server = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={home}/prometheus.yml",
                f"--storage.tsdb.path={folder}/tsdb",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            env={"PATH": os.environ["PATH"]},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        prometheus = Prometheus(f"http://127.0.0.1:{port}")
        assert until(prometheus.is_ready, 20), (folder / "prometheus.log").read_text()
        yield prometheus
    finally:
        server.terminate()
        server.wait(20)
