"""Khronos as an app of Django: what has to be known once Django is ready."""

from django.apps import AppConfig
from django.conf import settings


class KhronosConfig(AppConfig):
    name = "khronos"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from khronos.celery import app  # noqa: PLC0415 - tasks find their app once Django is ready

        app.set_default()
        if settings.OBSERVABILITY:
            from khronos.observability import queries, tasks  # noqa: PLC0415

            queries.measure()
            tasks.measure()
