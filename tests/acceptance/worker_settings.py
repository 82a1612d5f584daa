"""The product's settings, and beside its tasks one that takes as long as it is told."""

from settings import embedded
from settings.embedded import *  # noqa: F403

CELERY_IMPORTS = (*embedded.CELERY_IMPORTS, "tests.acceptance.worker_tasks")  # type: ignore[assignment]
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 2.0
