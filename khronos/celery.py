"""The Celery app. Tasks live in `tasks/`; what is due and when, in `tasks/schedule.py`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.embedded")
os.environ["CELERY_SKIP_CHECKS"] = "1"  # they would load every page of the admin, 15 MB in worker and beat

app = Celery("khronos", events="khronos.bus.celery_worker:LoopsEvents")
app.config_from_object("django.conf:settings", namespace="CELERY")
