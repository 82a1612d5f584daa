"""`/metrics`: names that programs outside rely on, who reads them, what is known when parts are away."""

import http.client
import json
import subprocess
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from bench.patience import free_port
from khronos.facts import exporter, machine, views
from khronos.models import HealthCheck
from khronos.models.check import OFF
from khronos.observability.scrape import families
from tests.factories import make_user

TOKEN = "token-of-the-tests"

# The names are a contract: dashboards, rules and autoscalers ask for them.
NAMES = {
    "khronos_http_request_duration_seconds": ("histogram", "method route status_code"),
    "khronos_http_requests_total": ("counter", "method route status_code"),
    "khronos_response_time_seconds": ("histogram", "endpoint"),
    "khronos_telegram_messages_received_total": ("counter", "chat_type"),
    "khronos_telegram_messages_sent_total": ("counter", "status"),
    "khronos_messages_processed_total": ("counter", "source status"),
    "khronos_messages_failed_total": ("counter", "source reason"),
    "khronos_redeliveries_total": ("counter", ""),
    "khronos_lease_expiries_total": ("counter", "work"),
    "khronos_deliveries_total": ("counter", "status"),
    "khronos_doubtful_total": ("counter", ""),
    "khronos_given_up_total": ("counter", "source"),
    "khronos_end_to_end_seconds": ("histogram", ""),
    "khronos_api_calls_total": ("counter", "provider status"),
    "khronos_ai_latency_seconds": ("histogram", "provider"),
    "khronos_anthropic_api_calls_total": ("counter", "model status"),
    "khronos_anthropic_api_duration_seconds": ("histogram", "model"),
    "khronos_anthropic_tokens_used_total": ("counter", "model type"),
    "khronos_cost_usd_total": ("counter", "model agent"),
    "khronos_triage_total": ("counter", "by target"),
    "khronos_budget_used_ratio": ("gauge", "tenant"),
    "khronos_tool_calls_total": ("counter", "tool state"),
    "khronos_attachments_total": ("counter", "kind state"),
    "khronos_tool_duration_seconds": ("histogram", "tool"),
    "khronos_circuit_breaker_state_changes_total": ("counter", "breaker state"),
    "khronos_cache_hits_total": ("counter", "cache layer"),
    "khronos_cache_misses_total": ("counter", "cache"),
    "khronos_database_query_duration_seconds": ("histogram", "operation"),
    "khronos_sqlite_connections": ("gauge", ""),
    "khronos_celery_tasks_total": ("counter", "task state"),
    "khronos_celery_task_duration_seconds": ("histogram", "task"),
    "khronos_turns": ("gauge", "state"),
    "khronos_queue_size": ("gauge", "queue"),
    "khronos_oldest_unanswered_seconds": ("gauge", ""),
    "khronos_active_users": ("gauge", ""),
    "khronos_active_connections": ("gauge", ""),
    "khronos_disk_free_bytes": ("gauge", ""),
    "khronos_dead_letters": ("gauge", "source"),
    "khronos_quarantined_updates": ("gauge", ""),
    "khronos_check_up": ("gauge", "check"),
    "khronos_alerts_open": ("gauge", "level"),
    "khronos_stream_lag": ("gauge", "stream"),
    "khronos_circuit_breaker_state": ("gauge", "name"),
    "khronos_limiter_waiting": ("gauge", "limit"),
    "khronos_scrape_part_up": ("gauge", "part"),
}

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("bus")]


@pytest.fixture(autouse=True)
def token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN
    views.scrape.looked_at = 0.0


def scraped() -> str:
    response = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return response.content.decode()


def test_strangers_are_refused_and_told_the_way_in() -> None:
    for headers in ({}, {"Authorization": "Bearer guess"}):
        response = Client().get("/metrics", headers=headers)
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert b"khronos_" not in response.content


def test_staff_need_no_token() -> None:
    client = Client()
    client.force_login(make_user(is_staff=True))
    assert client.get("/metrics").status_code == 200


def asked(port: int, path: str, **headers: str) -> tuple[int, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()


def test_a_process_without_a_web_server_serves_its_own_where_a_port_is_set(settings: Settings) -> None:
    assert exporter.begin() is None
    settings.METRICS_PORT = free_port()
    server = exporter.begin()
    assert server is not None
    try:
        assert exporter.begin() is None, "another process of the machine is first: this one goes on"
        assert asked(settings.METRICS_PORT, "/metrics") == (401, "")
        assert asked(settings.METRICS_PORT, "/other", Authorization=f"Bearer {TOKEN}") == (404, "")
        status, text = asked(settings.METRICS_PORT, "/metrics", Authorization=f"Bearer {TOKEN}")
        assert status == 200
        assert "khronos_turns" in text
    finally:
        server.shutdown()
        server.server_close()


def test_names_types_and_labels_are_the_contract() -> None:
    found = {family.name: family for family in text_string_to_metric_families(scraped())}
    kinds = {
        name + ("_total" if family.type == "counter" else ""): family.type for name, family in found.items()
    }
    for name in ("khronos_process_up", "khronos_backup_age_seconds"):
        assert name not in kinds, "no supervisor and no backup here: nothing can be known of them"
    assert kinds == {name: kind for name, (kind, _) in NAMES.items()}
    for name, (_, labels) in NAMES.items():
        for sample in found[name.removesuffix("_total") if name not in found else name].samples:
            assert set(sample.labels) - {"le"} == set(labels.split()), sample


def test_processes_are_told_as_the_supervisor_wrote_them_down(settings: Settings, tmp_path: Path) -> None:
    settings.KHRONOS_HOME = tmp_path
    me = psutil.Process()
    entries = [
        {"name": "web", "pid": me.pid, "started": me.create_time(), "state": "running", "restarts": 2},
        {"name": "beat", "pid": me.pid, "started": 1.0, "state": "running", "restarts": 0},  # a stranger now
        {"name": "agent", "pid": None, "started": 0, "state": "given up", "restarts": 10},
    ]
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "processes.json").write_text(json.dumps(entries), "utf-8")
    up, restarts, memory, _limit = machine.processes()
    assert by_name(up) == {"web": 1, "beat": 0, "agent": 0}
    assert by_name(restarts) == {"web": 2, "beat": 0, "agent": 10}
    assert list(by_name(memory)) == ["web"]


def by_name(family: Metric) -> dict[str, float]:
    return {sample.labels["name"]: sample.value for sample in family.samples}


def test_checks_are_told_as_they_were_at_the_last_look() -> None:
    HealthCheck.objects.create(name="disk", ok=True, checked_at=timezone.now())
    HealthCheck.objects.create(name="clock", ok=False, checked_at=timezone.now())
    HealthCheck.objects.create(name="redis", ok=True, checked_at=timezone.now() - timedelta(minutes=4))
    HealthCheck.objects.create(name="beat")
    HealthCheck.objects.create(name="webhook", ok=True, detail=f"{OFF}no bot", checked_at=timezone.now())
    (family,) = (f for f in text_string_to_metric_families(scraped()) if f.name == "khronos_check_up")
    told = {sample.labels["check"]: sample.value for sample in family.samples}
    assert told == {"disk": 1, "clock": 0, "redis": 0}, "stale is not good; off is neither"


def test_a_histogram_has_all_its_buckets_though_nobody_counted_in_them() -> None:
    name = "khronos_ai_latency_seconds"
    keys = [json.dumps([name, f"{name}_bucket", [["provider", "x"], ["le", le]]]) for le in ("0.5", "3.0")]
    (family,) = (f for f in families(dict(zip(keys, (2.0, 1.0), strict=True))) if f.name == name)
    buckets = {s.labels["le"]: s.value for s in family.samples if s.name.endswith("_bucket")}
    assert buckets == dict.fromkeys(("0.1", "0.25"), 0) | dict.fromkeys(("0.5", "1.0", "2.0"), 2) | (
        dict.fromkeys(("3.0", "5.0", "8.0", "13.0", "20.0", "30.0", "+Inf"), 3)
    )
    assert [s.value for s in family.samples if s.name.endswith("_count")] == [3]


def test_prometheus_itself_finds_nothing_to_complain_of() -> None:
    said = subprocess.run(
        ["promtool", "check", "metrics"], input=scraped(), capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
