"""What Khronos tells of itself: logs, errors, traces (docs/logs.md), numbers (docs/metrics.md)."""

import os

from khronos import VERSION
from khronos.observability import secrecy
from settings import dotenv
from settings.env import env

secrecy.learn_settings(dotenv.merged())  # before anything can be said of them

for name, value in dotenv.merged().items():
    if name.startswith("OTEL_"):  # OpenTelemetry's own variables: it reads the environment alone
        os.environ.setdefault(name, value)

OBSERVABILITY = env.observability
ENVIRONMENT = env.khronos_environment or os.environ.get("DJANGO_SETTINGS_MODULE", "").rpartition(".")[2]
LOG_LEVEL = env.log_level
LOGGING_CONFIG = "khronos.observability.logging.configure_django"
LOGGING = {
    "home": env.home,
    "level": env.log_level,
    "environment": ENVIRONMENT,
    "version": VERSION,
    "has_steps": OBSERVABILITY,
    "sentry_dsn": env.sentry_dsn,
}

METRICS_FOLDER = env.home / "run" / "metrics"
METRICS_HOST = env.khronos_host
METRICS_PORT = env.metrics_port  # none: no exporter of its own
