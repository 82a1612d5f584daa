"""A worker whose many threads end jobs at once keeps its line to RabbitMQ."""

import os
import subprocess
import sys
from pathlib import Path

import redis
from celery import Celery
from kombu import Queue

from tests.acceptance.instance import ROOT, eventually
from tests.acceptance.test_worker_end import TASK
from tests.rabbitmq import RabbitMQ

JOBS = 3000


def test_line_to_rabbitmq_outlives_a_burst_of_short_jobs(
    rabbitmq: RabbitMQ, valkey: str, tmp_path: Path
) -> None:
    diary = redis.Redis.from_url(valkey)
    diary.flushall()
    env = {"PATH": os.environ["PATH"], "KHRONOS_HOME": str(tmp_path), "KHRONOS_DOTENV": os.devnull}
    env |= {
        "REDIS_URL": valkey,
        "CELERY_BROKER_URL": rabbitmq.url(),
        "SECRET_KEY": "x",
        "DJANGO_SETTINGS_MODULE": "tests.acceptance.worker_settings",
    }
    command = [sys.executable, "manage.py", "worker", "ops", "--threads", "32"]
    log = tmp_path / "log"
    with (
        log.open("wb") as into,
        subprocess.Popen(command, cwd=ROOT, env=env, stdout=into, stderr=into) as worker,
    ):
        try:
            with Celery(broker=rabbitmq.url()) as app:
                app.conf.task_queues = [Queue("ops")]
                for number in range(JOBS):
                    app.send_task(TASK, [str(number), 0.0], queue="ops")
            eventually(lambda: diary.llen("diary") == 2 * JOBS, 60, "end of all jobs")
        finally:
            worker.terminate()
    assert worker.returncode == 0
    assert "broker lost" not in log.read_text()
