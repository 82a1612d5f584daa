"""A process whose threads all hang gives no sign of life; one whose threads are busy does."""

from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from django.conf import LazySettings

from khronos.guards.breakers import guarded
from khronos.observability import heartbeat
from tests.integration.test_ready import beat


class Pool:
    """Its threads are busy until told otherwise."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def submit(self, job: Callable[[], None]) -> None:
        self.waiting.append(job)

    def work(self) -> None:
        while self.waiting:
            self.waiting.pop()()


@pytest.fixture
def pulse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "pulse"
    monkeypatch.setattr(heartbeat, "pulse_file", lambda: file)
    return file


def test_threads_that_get_nothing_done_give_no_sign_of_life(
    bus: "redis.Redis", pulse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, pool = [0.0], Pool()
    progress = heartbeat.Progress(lambda: now[0])
    progress.submit = pool.submit
    monkeypatch.setattr(heartbeat, "progress", progress)
    patience_s = heartbeat.patience_s()
    for moment, gives_sign in [(0.0, True), (patience_s - 1, True), (patience_s, False)]:
        now[0] = moment
        beat("agent")
        assert pulse.exists() is gives_sign
        pulse.unlink(missing_ok=True)
    assert len(pool.waiting) == 1
    pool.work()
    beat("agent")
    assert pulse.exists()
    assert len(pool.waiting) == 1


def test_threads_that_are_all_busy_with_calls_give_signs_for_as_long_as_these_begin_and_end(
    bus: "redis.Redis", pulse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, pool = [0.0], Pool()
    progress = heartbeat.Progress(lambda: now[0])
    progress.submit = pool.submit
    monkeypatch.setattr(heartbeat, "progress", progress)
    beat("agent")
    longest_s = heartbeat.patience_s() / 2
    for _ in range(10):
        with guarded("anthropic"):
            now[0] += longest_s
        now[0] += longest_s
        pulse.unlink(missing_ok=True)
        beat("agent")
        assert pulse.exists()
    pulse.unlink()
    with guarded("anthropic"):
        now[0] += heartbeat.patience_s()  # no call takes that long
        beat("agent")
        assert not pulse.exists()
    assert len(pool.waiting) == 1, "its turn never came"


def test_no_deadline_is_longer_than_the_patience_with_threads(settings: LazySettings) -> None:
    longest_s = max(breaker["timeout_s"] for breaker in settings.BREAKERS.values())
    assert longest_s >= settings.BREAKERS["anthropic"]["timeout_s"] == 30
    assert heartbeat.patience_s() == 2 * longest_s
