"""What is off costs nothing: not even the import."""

import os
import subprocess
import sys

import pytest

from khronos.observability.exports import traces_are_wanted

LOADED = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings.embedded"
import django
django.setup()
names = {name.partition(".")[0] for name in sys.modules}
print(sorted(names & {"sentry_sdk", "opentelemetry", "structlog"}))
"""
SENTRY = {"SENTRY_DSN": "http://key@127.0.0.1:9/1"}
TRACES = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("given", "loaded"),
    [
        ({}, []),
        (SENTRY, ["sentry_sdk"]),
        (TRACES, ["opentelemetry"]),
        (TRACES | {"OTEL_SDK_DISABLED": "true"}, []),
    ],
)
def test_only_what_is_on_is_imported(given: dict[str, str], loaded: list[str], tmp_path: object) -> None:
    kept = {"PATH": os.environ["PATH"], "KHRONOS_HOME": str(tmp_path), "KHRONOS_DOTENV": os.devnull}
    said = subprocess.run(
        [sys.executable, "-c", LOADED],
        env=kept | given,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert said.stdout.strip() == str(loaded)


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        (TRACES, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x/v1/traces"}, True),
        (TRACES | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (TRACES | {"OTEL_SDK_DISABLED": "TRUE"}, False),
    ],
)
def test_traces_are_off_unless_an_endpoint_is_named(environ: dict[str, str], wanted: bool) -> None:
    assert traces_are_wanted(environ) is wanted


ENDS = """
import sys, types
from khronos.observability import exports
for name in ("sentry", "spans"):
    module = sys.modules[f"khronos.observability.{name}"] = types.ModuleType(name)
    # In one write: `print` writes its end by itself, and both are told at once.
    module.start = lambda *_, name=name: lambda: sys.stdout.write(f"{name} ")
exports.start("web", "test", "1", "http://key@127.0.0.1:9/1")
"""


def test_all_receivers_are_told_once_at_the_end() -> None:
    said = subprocess.run(
        [sys.executable, "-c", ENDS], env=os.environ | TRACES, capture_output=True, text=True, check=True
    )
    assert sorted(said.stdout.split()) == ["sentry", "spans"]
