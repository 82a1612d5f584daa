"""Logs: one JSON object a line in files and pipes, coloured text in a terminal. Metrics: docs/metrics.md."""

from settings.env import env

LOG_LEVEL = env.log_level
LOGGING_CONFIG = "khronos.observability.logging.configure"
LOGGING = {"level": env.log_level, "home": str(env.home)}

OBSERVABILITY = env.observability
METRICS_FOLDER = env.home / "run" / "metrics"
METRICS_PORT = env.metrics_port
