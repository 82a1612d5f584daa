"""An operator pauses a running instance from another terminal: nobody hears more, nothing is lost."""

import json
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from bench.instance import ROOT
from bench.patience import until
from tests.acceptance.stage import Stage, clean, exact, figures

MESSAGES = 220
UNDER_WAY, ON_ITS_WAY = "state = 'working'", "state = 'sending'"
NOT_YET_DUE = "due_at > strftime('%Y-%m-%d %H:%M:%f', 'now')"
OPEN_ALERTS = "SELECT level FROM khronos_alert WHERE resolved_at IS NULL AND name LIKE 'paused.%'"
PARTS = {"channel": "default", "queue": "agent.ai"}


def manage(stage: Stage, *words: str) -> str:
    said = subprocess.run(
        [sys.executable, "manage.py", *words],
        env=stage.khronos.env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (said.returncode, said.stderr) == (0, "")
    return " ".join(said.stdout.split())


def answered(stage: Stage) -> int:
    return stage.world.verdict().answered


@pytest.mark.parametrize("kind", ["channel", pytest.param("queue", marks=pytest.mark.slow)])
def test_a_burst_is_paused_in_the_middle_and_goes_on_whole(stage: Stage, kind: str) -> None:
    stage.world.models.think(0.2)
    play = stage.play(20, 10, arrival="paced", rate=20.0)
    stage.after(20)
    assert f"{kind} {PARTS[kind]} is paused." in manage(stage, "pause", kind, PARTS[kind])
    assert until(lambda: stage.count("turn", UNDER_WAY) + stage.count("delivery", ON_ITS_WAY) == 0, 30)
    so_far = answered(stage)
    assert so_far > 0
    assert until(lambda: play.said, 30)
    for chat in {update.chat_id for update in play.updates.values()}:  # all may have been answered by then
        stage.say(chat, 11)
    stage.dispatched(MESSAGES)
    assert stage.count("turn", "state = 'waiting'") == 20  # everybody wrote again
    waiting = stage.count("turn", "due_at IS NOT NULL")  # one of before may have found its conversation busy
    [row] = json.loads(manage(stage, "pause", "--json"))
    assert (row["kind"], row["name"], row["turns"]) == (kind, PARTS[kind], waiting)
    assert answered(stage) == so_far
    assert until(lambda: is_ready(stage), 20, every=0.5)  # a check may be late on a busy machine
    assert stage.khronos.sql(OPEN_ALERTS) == [("info",)]
    assert until(lambda: stage.count("turn", NOT_YET_DUE) == 0, 30)  # who was put off is rung for when due
    assert f"{kind} {PARTS[kind]} goes on. Rung for: {waiting} turns" in manage(
        stage, "resume", kind, PARTS[kind]
    )
    assert figures(stage.finish()) == exact(MESSAGES)
    assert stage.troubles() == clean()
    assert stage.khronos.sql(OPEN_ALERTS) == []
    assert manage(stage, "pause") == "Nothing is paused."


def test_answers_wait_for_a_paused_delivery(stage: Stage) -> None:
    manage(stage, "pause", "queue", "delivery")
    stage.play(20, 1)
    assert until(lambda: stage.count("turn", "state = 'answered'") == 20, 30)
    assert stage.count("delivery", "state = 'pending' AND attempts = 0") == 20
    assert answered(stage) == 0
    assert stage.world.telegram.calls("sendMessage") == []
    assert "Rung for: 20 deliveries." in manage(stage, "resume", "queue", "delivery")
    assert figures(stage.finish()) == exact(20)
    assert stage.troubles() == clean()


def test_what_telegram_refused_is_replayed_from_the_command_line(stage: Stage) -> None:
    stage.world.telegram.fail(status=400, method="sendMessage", description="Bad Request: chat not found")
    stage.play(3, 1)
    assert until(lambda: stage.count("deadletter", "replayed_at IS NULL") == 3, 30)
    assert manage(stage, "replay").count("chat not found") == 3
    stage.world.telegram.heal()
    assert manage(stage, "replay", "delivery").endswith("3 replayed.")
    assert figures(stage.finish()) == exact(3)
    assert manage(stage, "replay") == "No dead letters."


def is_ready(stage: Stage) -> bool:
    try:
        with urllib.request.urlopen(f"{stage.khronos.url}/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return False
