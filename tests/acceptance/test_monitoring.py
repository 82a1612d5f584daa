"""Dashboards and rules before a real Prometheus that reads a real Khronos on a bad day."""

import json
import re
import time
import urllib.request
from collections.abc import Iterator

import pytest

from bench.environment import SECRET
from bench.instance import Instance
from bench.patience import until
from bench.simulator import Simulator
from tests.acceptance.prometheus import Prometheus, watching
from tests.acceptance.stage import Stage
from tests.prometheus_rules import FOLDER, alerts, metrics_in, recorded

TOKEN = "token-of-the-watched"
ENV = {
    "METRICS_TOKEN": TOKEN,
    "ANTHROPIC_TIMEOUT_S": "1",
    "TELEGRAM_TIMEOUT_S": "1",
    "TELEGRAM_SPACING_MS": "2",  # none would leave 429 without a memory
    "ANTHROPIC_REQUESTS_PER_MINUTE": "6000",
    "MONTHLY_BUDGET": "1000",
}
MESSAGE = {
    "message_id": 7,
    "date": 1,
    "chat": {"id": 100_004, "type": "private", "first_name": "Ana"},
    "from": {"id": 100_004, "is_bot": False, "first_name": "Ana"},
    "text": "hello",
}
HEARD = json.dumps({"update_id": 900_000_001, "message": MESSAGE}).encode()
NONSENSE = b"{"

type Day = tuple[Prometheus, float, float]  # began and ended

TRIALS = "SELECT count(*) FROM khronos_backupcheck WHERE ended_at IS NOT NULL"
BOARDS = sorted(FOLDER.parent.glob("grafana/dashboards/*.json"))
REFUSED = "Bad Request: chat not found"


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """A Prometheus that has seen it from its beginning to its end."""
    folder = tmp_path_factory.mktemp("monitoring")
    with (
        Simulator.start() as world,
        Instance(world, env=ENV) as khronos,
        watching(folder, f"127.0.0.1:{khronos.port}", TOKEN) as prometheus,
    ):
        stage = Stage(world, khronos)
        stage.clear()
        began = time.time()
        assert until(lambda: prometheus.values("part", "khronos_scrape_part_up"), 20)
        have_a_bad_day(stage)
        time.sleep(3)  # two scrapes, and what the rules make of them
        yield prometheus, began, time.time()


def have_a_bad_day(stage: Stage) -> None:
    world, khronos = stage.world, stage.khronos
    stage.play(8, 3, arrival="paced", rate=8)
    world.telegram.fail(status=429, method="sendMessage", retry_after=1, count=1)
    stage.finish()
    world.telegram.fail("lost_hang", method="sendMessage", count=1)  # a doubtful delivery
    stage.say(100_001, 4)
    assert until(lambda: stage.count("delivery", "doubtful") == 1, 20)
    world.telegram.fail(status=400, method="sendMessage", description=REFUSED, count=1)  # a dead one
    stage.say(100_002, 4)
    assert until(lambda: stage.count("delivery", "state = 'failed'") == 1, 20)
    world.models.fail(status=400, count=1)  # a buried turn
    stage.say(100_003, 4)
    assert until(lambda: stage.count("turn", "state = 'buried'") == 1, 20)
    for body in (HEARD, HEARD, NONSENSE):  # Telegram did not hear our 200 and says it again
        bring(khronos, body)
    khronos.wait_back("agent", khronos.kill("agent"))
    world.models.fail(status=529)  # an open breaker, and parked turns
    stage.play(8, 1)
    assert until(lambda: stage.count("turn", "state = 'parked'") >= 5, 20)
    time.sleep(3)  # three scrapes of it
    world.models.heal()
    assert until(lambda: stage.count("turn", "due_at IS NOT NULL") == 0, 30)
    assert until(lambda: khronos.sql(TRIALS) != [(0,)], 60)


def bring(khronos: Instance, body: bytes) -> None:
    request = urllib.request.Request(khronos.webhook, body, {"X-Telegram-Bot-Api-Secret-Token": SECRET})
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 200


def panels() -> Iterator[tuple[str, str]]:
    for path in BOARDS:
        board = json.loads(path.read_text("utf-8"))
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                yield f"{board['title']}: {panel['title']}: {target['legendFormat']}", target["expr"]


def test_every_panel_has_something_to_show(day: Day) -> None:
    prometheus, began, ended = day
    asked = dict(panels())
    assert len(asked) > 60
    empty = [name for name, expr in asked.items() if not prometheus.series(expr, began, ended)]
    assert not empty, "\n".join(empty)


def test_every_choice_of_a_dashboard_has_values(day: Day) -> None:
    prometheus, *_ = day
    definitions = [
        variable["definition"]
        for path in BOARDS
        for variable in json.loads(path.read_text("utf-8"))["templating"]["list"]
        if variable["type"] == "query"
    ]
    chosen = re.findall(r"label_values\((\w+), (\w+)\)", "".join(definitions))
    assert len(chosen) == len(definitions) == 2
    assert [(label, metric) for metric, label in chosen if not prometheus.values(label, metric)] == []


def test_every_rule_is_evaluated_and_every_record_is_made(day: Day) -> None:
    prometheus, began, ended = day
    rules = prometheus.rules()
    assert len(rules) == len(alerts()) + len(recorded())
    assert [(rule["name"], rule["lastError"]) for rule in rules if rule["health"] != "ok"] == []
    assert [name for name in recorded() if not prometheus.series(name, began, ended)] == []


def test_every_number_that_an_alert_asks_for_is_really_told(day: Day) -> None:
    prometheus, began, ended = day
    asked = set[str]().union(*(metrics_in(alert.expr) for alert in alerts()))
    assert len(asked) > 20
    assert [name for name in asked if not prometheus.series(name, began, ended)] == []


def test_the_day_raised_the_alerts_it_should_have_and_no_others(day: Day) -> None:
    prometheus, *_ = day
    firing = prometheus.firing()
    assert set(firing) == {"KhronosDeadLetters", "KhronosUpdatesQuarantined"}
    assert [text for texts in firing.values() for text in texts.values() if "<" in text] == []


def test_prometheus_is_let_in_by_the_token_in_its_file(day: Day) -> None:
    prometheus, *_ = day
    (target,) = prometheus.ask("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
