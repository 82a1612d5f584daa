"""Flower as it is started: nobody gets in without the password, and whoever is in changes nothing."""

import http.client
import os
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from celery import Celery
from flower.urls import handlers

from bench.patience import answers, free_ports, until

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "password,with:all sorts"
STARTS_S = 30.0
MIB = 2**20
# Asks it to stop at the very moment when its first worker thread begins.
STOPPED_AMID_A_START = """
import os, runpy, signal, sys, threading
def look(*_):
    sys.setprofile(None)
    if threading.current_thread().name.startswith("ThreadPoolExecutor"):
        os.kill(os.getpid(), signal.SIGTERM)
threading.setprofile(look)
runpy.run_module("khronos.launch.flower", run_name="__main__")
"""
SHOWN_TO_ALL = "/healthcheck"
LOOKS = (
    "/",
    "/workers",
    "/tasks",
    "/broker",
    "/metrics",
    "/api/workers",
    "/api/tasks",
    "/api/task/types",
    "/api/queues/length",
    "/tasks/datatable?draw=1&start=0&length=1&search[value]=&order[0][column]=0&order[0][dir]=asc"
    "&columns[0][data]=name",
)


class Flower:
    def __init__(
        self, folder: Path, broker: str, code: Sequence[str] = ("-m", "khronos.launch.flower"), **env: str
    ) -> None:
        (self.port,) = free_ports(1)
        self.log = folder / f"flower-{self.port}.log"
        self.env = {
            "PATH": os.environ["PATH"],
            "KHRONOS_HOME": str(folder),
            "KHRONOS_DOTENV": os.devnull,
            "REDIS_URL": broker,
            "DJANGO_SETTINGS_MODULE": "settings.embedded",
            **env,
        }
        command = [sys.executable, *code, f"--port={self.port}", "--address=127.0.0.1"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=log)

    def ask(self, method: str, path: str, password: str | None = PASSWORD) -> tuple[int, bytes]:
        headers = {"Content-Length": "0"} if method == "POST" else {}
        if password is not None:
            headers["Authorization"] = "Basic " + b64encode(f"khronos:{password}".encode()).decode()
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(10)


def started(folder: Path, broker: str, **env: str) -> Iterator[Flower]:
    flower = Flower(folder, broker, **env)
    try:
        assert until(lambda: answers(flower.port), STARTS_S), flower.log.read_text()
        yield flower
    finally:
        flower.stop()


@pytest.fixture(scope="module")
def flower(valkey: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flower]:
    yield from started(tmp_path_factory.mktemp("flower"), valkey, FLOWER_PASSWORD=PASSWORD)


@pytest.fixture(scope="module")
def hands(valkey: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flower]:
    folder = tmp_path_factory.mktemp("hands")
    yield from started(folder, valkey, FLOWER_PASSWORD=PASSWORD, FLOWER_READ_ONLY="0")


def paths() -> list[str]:
    """Every address that Flower has, with something in the place of a name."""
    patterns = [handler[0] if isinstance(handler, tuple) else handler.regex.pattern for handler in handlers]
    plain = [pattern.rstrip("$").replace("(.+)", "x").replace("(.*)", "x") for pattern in patterns]
    return [path.replace("/?", "") for path in plain if path.startswith("/")]


def commands() -> list[str]:
    """Those that change something: none of them is a page."""
    words = ("shutdown", "pool", "queue/", "apply", "send-task", "abort", "timeout", "rate-limit", "revoke")
    return [path for path in paths() if any(word in path for word in words)]


def test_nothing_but_its_health_is_shown_without_the_password(flower: Flower) -> None:
    assert len(paths()) > 30
    for path in [*paths(), "/task/x/healthcheck", "//healthcheck"]:
        for password in (None, "", "wrong", PASSWORD[:-1]):
            status, body = flower.ask("GET", path, password)
            assert status == (200 if path == SHOWN_TO_ALL else 401), path
            assert PASSWORD.encode() not in body


@pytest.mark.parametrize("path", LOOKS)
def test_whoever_has_the_password_sees_it(flower: Flower, path: str) -> None:
    assert flower.ask("GET", path)[0] == 200


@pytest.mark.parametrize("path", commands())
def test_no_command_is_taken(flower: Flower, path: str) -> None:
    assert len(commands()) == 14
    assert flower.ask("POST", path)[0] == 403
    assert flower.ask("POST", path, None)[0] == 401


def test_no_method_but_looking_is_taken(flower: Flower) -> None:
    for path in [*paths(), "/api/task/async-apply/x/tasks/datatable"]:
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            if (method, path) != ("POST", "/tasks/datatable"):
                assert flower.ask(method, path)[0] == 403, (method, path)


def test_a_worker_is_shut_down_only_where_that_was_allowed(
    flower: Flower, hands: Flower, valkey: str, tmp_path: Path
) -> None:
    """On a real worker: read-only leaves it alone, FLOWER_READ_ONLY=0 ends it."""
    with (tmp_path / "worker.log").open("wb") as log:
        line = [
            "-A",
            "tests.integration.flower_worker",
            "worker",
            "-P",
            "solo",
            "-n",
            "w@here",
            "--without-mingle",
        ]
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", *line],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "FLOWER_TEST_BROKER": valkey},
            stdout=log,
            stderr=log,
        )
    try:
        ping = Celery(broker=valkey).control.ping
        assert until(lambda: ping(["w@here"], timeout=0.3), 20), (tmp_path / "worker.log").read_text()
        assert until(lambda: b"w@here" in flower.ask("GET", "/api/workers?refresh=1")[1], 20)
        assert flower.ask("POST", "/api/worker/shutdown/w@here")[0] == 403
        assert ping(["w@here"], timeout=1.0)
        assert until(lambda: b"w@here" in hands.ask("GET", "/api/workers?refresh=1")[1], 20)
        assert hands.ask("POST", "/api/worker/shutdown/w@here", None)[0] == 401
        assert worker.poll() is None
        assert hands.ask("POST", "/api/worker/shutdown/w@here")[0] == 200
        assert worker.wait(15) == 0
    finally:
        worker.kill()
        worker.wait(5)


def test_without_a_password_it_does_not_start(valkey: str, tmp_path: Path) -> None:
    flower = Flower(tmp_path, valkey)
    assert flower.process.wait(STARTS_S) == 1
    said = flower.log.read_text()
    assert "FLOWER_PASSWORD is empty" in said
    assert "Fix: " in said


def test_it_is_light_and_stops_in_order(valkey: str, tmp_path: Path) -> None:
    for flower in started(tmp_path, valkey, FLOWER_PASSWORD=PASSWORD):
        began = time.monotonic()
        assert psutil.Process(flower.process.pid).memory_info().rss / MIB < 90
        assert flower.stop() == 0
        assert time.monotonic() - began < 5
        assert PASSWORD not in flower.log.read_text()


def test_it_stops_though_it_was_asked_to_while_it_started(valkey: str, tmp_path: Path) -> None:
    flower = Flower(tmp_path, valkey, ("-c", STOPPED_AMID_A_START), FLOWER_PASSWORD=PASSWORD)
    try:
        assert flower.process.wait(STARTS_S) == 0, flower.log.read_text()
    finally:
        flower.process.kill()
        flower.process.wait(5)
