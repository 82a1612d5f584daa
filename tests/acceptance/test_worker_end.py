"""A worker that is asked to stop finishes what it can and gives the rest back."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery

from tests.acceptance.instance import ROOT, SOON_S, eventually
from tests.stopwatch import Stopwatch

TASK = "tests.acceptance.worker_tasks.work"


@pytest.fixture
def diary(valkey: str) -> "redis.Redis":
    client = redis.Redis.from_url(valkey, decode_responses=True)
    client.flushall()
    return client


@pytest.fixture
def worker(diary: "redis.Redis", valkey: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    env = {"PATH": os.environ["PATH"], "KHRONOS_HOME": str(tmp_path), "KHRONOS_DOTENV": os.devnull}
    env |= {
        "REDIS_URL": valkey,
        "SECRET_KEY": "x",
        "DJANGO_SETTINGS_MODULE": "tests.acceptance.worker_settings",
    }
    command = [sys.executable, "manage.py", "worker", "ops", "--threads", "4"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    yield process
    process.kill()
    process.wait()
    sys.stdout.write((tmp_path / "log").read_text())


def send(valkey: str, name: str, seconds: float) -> None:
    with Celery(broker=valkey) as app:
        app.send_task(TASK, [name, seconds], queue="ops")


def entries(diary: "redis.Redis") -> list[str]:
    return diary.lrange("diary", 0, -1)  # type: ignore[return-value]


def test_jobs_in_hand_are_finished_and_the_exit_code_is_zero(
    worker: subprocess.Popen[bytes], diary: "redis.Redis", valkey: str
) -> None:
    send(valkey, "short", 1.0)
    eventually(lambda: entries(diary), SOON_S, "start of the job")
    worker.send_signal(signal.SIGTERM)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(SOON_S) == 0
    assert entries(diary) == ["begun short", "done short"]
    assert diary.llen("ops") == 0


def test_unfinished_jobs_go_back_to_their_queue(
    worker: subprocess.Popen[bytes], diary: "redis.Redis", valkey: str
) -> None:
    send(valkey, "long", 60.0)
    eventually(lambda: entries(diary), SOON_S, "start of the job")
    with Stopwatch() as watch:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(SOON_S) == 0
    assert watch.took_s + watch.stood_s > 1.9
    assert watch.took_s < 6
    assert entries(diary) == ["begun long"]
    assert diary.llen("ops") == 1
    assert diary.zcard("unacked_index") == 0


def test_an_idle_worker_ends_at_once(
    worker: subprocess.Popen[bytes], diary: "redis.Redis", valkey: str
) -> None:
    send(valkey, "none", 0.0)
    eventually(lambda: len(entries(diary)) == 2, SOON_S, "the job")
    with Stopwatch() as watch:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(SOON_S) == 0
    assert watch.took_s < 3


def test_nothing_new_is_taken_while_stopping(
    worker: subprocess.Popen[bytes], diary: "redis.Redis", valkey: str, tmp_path: Path
) -> None:
    send(valkey, "short", 2.0)
    eventually(lambda: entries(diary), SOON_S, "start of the job")
    worker.send_signal(signal.SIGTERM)
    eventually(lambda: "2/7" in (tmp_path / "log").read_text(), SOON_S, "end of Celery's loop")
    send(valkey, "late", 0.0)
    assert worker.wait(SOON_S) == 0
    assert "begun late" not in entries(diary)
    assert diary.llen("ops") == 1
