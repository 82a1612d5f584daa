"""docker-compose.yml: what it mounts is there, what it names is declared, Prometheus finds what it needs."""

import os
import subprocess
from typing import Any

import yaml

from settings.dotenv import ROOT

FILE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = FILE["services"]


def mounts(service: str) -> dict[str, str]:
    """Where in the container, and what is there."""
    return {to: of for of, to in (line.split(":")[:2] for line in SERVICES[service].get("volumes", []))}


def test_what_is_mounted_exists_or_is_a_declared_volume() -> None:
    for service in SERVICES:
        for of in mounts(service).values():
            assert (ROOT / of).exists() if of.startswith(".") else of in FILE["volumes"], (service, of)


def test_monitoring_is_there_for_whoever_asks_and_reachable_from_this_machine_alone() -> None:
    asked = {name for name, service in SERVICES.items() if "observability" in service.get("profiles", [])}
    assert asked == {"prometheus", "grafana"}
    for name in asked:
        assert all(port.startswith("127.0.0.1:") for port in SERVICES[name]["ports"])


def test_prometheus_finds_rules_targets_and_token_where_its_configuration_looks() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text("utf-8"))
    (scrape,) = config["scrape_configs"]
    at = mounts("prometheus")
    assert config["rule_files"] == ["rules/*.yml"]
    assert at["/etc/prometheus/rules"] == "./deploy/prometheus/rules"
    assert scrape["file_sd_configs"] == [{"files": ["targets/*.yml"]}]
    (of,) = (ROOT / at["/etc/prometheus/targets"]).glob("*.yml")
    ((target,),) = (group["targets"] for group in yaml.safe_load(of.read_text("utf-8")))
    assert target.partition(":")[0] in SERVICES
    (secret,) = SERVICES["prometheus"]["secrets"]
    assert secret["target"] == f"/etc/prometheus/{scrape['authorization']['credentials_file']}"
    assert FILE["secrets"][secret["source"]] == {"environment": "METRICS_TOKEN"}


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    at = mounts("grafana")
    provisioning = ROOT / at["/etc/grafana/provisioning"]
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text("utf-8"))[
        "datasources"
    ]
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "khronos.yml").read_text("utf-8"))[
        "providers"
    ]
    assert source["url"].removeprefix("http://").partition(":")[0] in SERVICES
    assert list((ROOT / at[provider["options"]["path"]]).glob("*.json"))


def test_grafana_starts_with_a_password_alone() -> None:
    """Its own program is stood in for; Grafana would let everybody in as admin/admin."""
    shell, flag, line = SERVICES["grafana"]["entrypoint"]
    started = line.replace("$$", "$").replace("/run.sh", "echo grafana runs")

    def said(password: str) -> tuple[int, str]:
        env = {"PATH": os.environ["PATH"], "GF_SECURITY_ADMIN_PASSWORD": password}
        done = subprocess.run([shell, flag, started], env=env, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.strip()

    assert said("") == (1, "Put a GRAFANA_PASSWORD into .env")
    assert said("a good one") == (0, "grafana runs")


def test_all_of_khronos_counts_in_the_folder_that_web_reads() -> None:
    ours = [name for name, service in SERVICES.items() if service["image"] == "khronos"]
    assert len(ours) >= 6
    for name in ours:
        assert "/var/lib/khronos/run/metrics" in mounts(name), name
