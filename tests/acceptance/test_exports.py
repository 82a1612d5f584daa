"""Errors reach Sentry, steps reach a collector, without any secret; neither can hold up the work."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any
from urllib.request import Request, urlopen

import pytest

from bench.instance import Instance
from bench.patience import until
from bench.simulator import Simulator
from khronos.bus import doorbell
from khronos.bus.routes import DELIVERY_TASK
from khronos.observability.steps import trace_number
from tests.acceptance.receivers import Receiver, receiving
from tests.acceptance.stage import Stage, exact, figures
from tests.acceptance.test_traces import STEPS, by_telegram, post, told
from tests.stopwatch import Stopwatch

CANARIES = {
    "SECRET_KEY": "canary-signing-key-0001",
    "TELEGRAM_WEBHOOK_SECRET": "canary-webhook-secret-0002",
    "ANTHROPIC_API_KEY": "sk-ant-canary-0003-abcdefgh",
    "OPENAI_API_KEY": "canary-openai-0004",
    "METRICS_TOKEN": "canary-metrics-0005",
    "FLOWER_PASSWORD": "canary-flower-0006",
    "VALKEY_PASSWORD": "canary-valkey-0007",
    "AWS_SECRET_ACCESS_KEY": "canary-aws-0008",
    "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=canary-otel-0009",
}
BOT = "777000:AAcanary-bot-token-0010-abcdefghijk"
DSN_KEY = "canarysentrykey0011"
CHANNEL = "canary-channel-secret-0012"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture(scope="module")
def watched(receiver: Receiver) -> Iterator[Stage]:
    env = CANARIES | {
        "SENTRY_DSN": f"http://{DSN_KEY}@{receiver.address}/1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{receiver.address}",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "KHRONOS_ENVIRONMENT": "rehearsal",
    }
    with Simulator.start() as world:
        world.telegram.add_bot(BOT, username="canary_bot")
        with Instance(world, env=env, token=BOT) as khronos:
            yield Stage(world, khronos)


@pytest.fixture
def stage(watched: Stage, receiver: Receiver) -> Iterator[Stage]:
    receiver.hangs = False
    watched.clear()
    yield watched
    receiver.hangs = False
    receiver.let_go.set()


def test_a_message_is_one_trace_across_processes(stage: Stage, receiver: Receiver) -> None:
    given = "mine-of-somebody-else"
    ours = by_telegram(stage, 31, {}).headers["X-Trace-Id"]
    outer = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"}
    theirs = by_telegram(stage, 32, outer).headers["X-Trace-Id"]
    by_telegram(stage, 33, {"X-Trace-Id": given})
    for trace_id, number, parent in (
        (ours, ours, ""),
        (theirs, "0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7"),
        (given, trace_number(given), ""),
    ):
        lines = {line["message"]: line for line in told(stage, trace_id)}
        assert until(partial(has_spans, receiver, number), 15)
        spans = {span["name"]: span for span in receiver.spans() if span["trace"] == number}
        assert {name: span["id"] for name, span in spans.items()} == {
            name: line["span_id"] for name, line in lines.items()
        }
        assert {name: span["service"] for name, span in spans.items()} == {
            name: line["service"] for name, line in lines.items()
        }
        assert spans["message.received"]["parent"] == parent
        assert spans["message.dispatched"]["parent"] == spans["message.received"]["id"]
        assert spans["turn.taken"]["parent"] == spans["message.dispatched"]["id"]
        assert spans["model.asked"]["parent"] == spans["delivery.sent"]["parent"] == spans["turn.taken"]["id"]
        assert all(span["took_ns"] > 0 for span in spans.values())
    assert len([call for call in stage.world.models.calls() if call.trace_id]) == 3


def has_spans(receiver: Receiver, number: str) -> bool:
    return [span["trace"] for span in receiver.spans()].count(number) == len(STEPS)


def test_outages_are_no_errors_and_bugs_are(stage: Stage, receiver: Receiver) -> None:
    before = len(receiver.events())
    stage.world.models.fail(status=429, retry_after=1, count=1)
    stage.play(1, 1)
    assert figures(stage.finish(40))["answered"] == 1
    time.sleep(1.0)  # nothing tells that nothing comes
    assert len(receiver.events()) == before
    bug_in_a_view(stage)
    assert until(lambda: len(receiver.events()) > before, 15)
    event = receiver.events()[-1]
    assert event["exception"]["values"][-1]["type"] == "OperationalError"
    assert (event["environment"], event["release"], event["level"]) == ("rehearsal", "khronos@0.1.0", "error")
    assert event["tags"]["service"] == "web"
    assert event["tags"]["trace_id"] == "trace-of-the-bug"
    assert "request" not in event
    assert "user" not in event
    assert not any("vars" in frame for frame in event["exception"]["values"][-1]["stacktrace"]["frames"])


def test_no_secret_is_told_whatever_goes_wrong(stage: Stage, receiver: Receiver) -> None:
    spoil(stage)
    assert until(lambda: len(receiver.events()) > 1, 20)
    with urlopen(
        Request(
            f"{stage.khronos.url}/metrics", headers={"Authorization": f"Bearer {CANARIES['METRICS_TOKEN']}"}
        ),
        timeout=10,
    ) as response:
        metrics = response.read()
    places = {path.name: path.read_bytes() for path in (stage.khronos.home.path / "logs").iterdir()}
    places |= {f"{path} {n}": body for n, (path, body) in enumerate(receiver.bodies)}
    places |= {"metrics": metrics, "alerts": str(stage.khronos.sql("SELECT * FROM khronos_alert")).encode()}
    assert len(places) > 15
    secrets = [value.rpartition("=")[2] for value in CANARIES.values()] + [BOT, DSN_KEY, CHANNEL]
    found = {
        (place, secret) for place, text in places.items() for secret in secrets if secret.encode() in text
    }
    assert found == set()
    said = b"".join(places.values())
    assert said.count(b"[secret]") > 3


def test_a_receiver_that_hangs_holds_nothing_up(stage: Stage, receiver: Receiver) -> None:
    receiver.let_go.clear()
    receiver.hangs = True
    asked = receiver.asked
    stage.play(10, 2)
    assert figures(stage.finish()) == exact(20)
    bug_in_a_view(stage)
    assert until(lambda: receiver.asked > asked, 15)
    with Stopwatch() as watch:
        assert stage.khronos.terminate() == 0
    assert watch.took_s < 20
    text = stage.khronos.logs()
    ends = [
        line for name in ("web", "dispatcher", "agent") for line in text[name].splitlines() if "7/7" in line
    ]
    assert ["of 2 receivers told" in line for line in ends] == [True] * 3, ends


def spoil(stage: Stage) -> None:
    """Every kind of error, one after the other."""
    secret = stage.khronos.env["TELEGRAM_WEBHOOK_SECRET"]
    with closing(sqlite3.connect(stage.khronos.database, timeout=10)) as database, database:
        names = [name for _, name, *_ in database.execute("PRAGMA table_info(khronos_channel)")]
        other = {"id": "id + 100", "slug": "'second'", "token": "''", "previous_secret": f"'{CHANNEL}'"}
        values = ", ".join(other.get(name, name) for name in names)
        database.execute(
            f"INSERT INTO khronos_channel ({', '.join(names)}) SELECT {values} FROM khronos_channel"
            " WHERE slug = 'default'"
        )
    post(stage, "/webhooks/telegram/second/", b"{}", {})  # a secret is known where its channel was seen
    number = 500
    for fault in (401, 429, 500, "cut", "garbled"):
        number += 1
        how: dict[str, Any] = {"status": fault} if isinstance(fault, int) else {"kind": fault}
        stage.world.models.fail(**how, count=1, description=f"no {CANARIES['ANTHROPIC_API_KEY']} {BOT}")
        by_telegram(stage, number, {"X-Trace-Id": BOT, "Authorization": f"Bearer {BOT}"})
    for fault in (401, 500, "reset", "hang"):
        number += 1
        how = {"status": fault} if isinstance(fault, int) else {"kind": fault}
        stage.world.telegram.fail(**how, method="sendMessage", count=1)
        by_telegram(stage, number, {"X-Correlation-ID": CHANNEL})
    header = {"X-Telegram-Bot-Api-Secret-Token": secret}
    post(stage, "/webhooks/telegram/default/", f"garbage {CHANNEL}".encode(), header)
    post(stage, f"/webhooks/telegram/{CHANNEL}/", b"{}", {})
    post(stage, "/nowhere", b"{}", {"Cookie": f"a={CHANNEL}"})
    bug_in_a_view(stage)
    bug_in_a_task(stage)


def bug_in_a_view(stage: Stage) -> None:
    """Pages that ask for a session find no table of them."""
    with closing(sqlite3.connect(stage.khronos.database, timeout=10)) as database:
        database.execute("ALTER TABLE django_session RENAME TO mislaid")
        try:
            headers = {
                "Cookie": "sessionid=abcdefghijklmnopqrstuvwxyz012345",
                "X-Trace-Id": "trace-of-the-bug",
            }
            request = Request(f"{stage.khronos.url}/admin/", headers=headers)
            with pytest.raises(Exception, match="500"):
                urlopen(request, timeout=10)
        finally:
            database.execute("ALTER TABLE mislaid RENAME TO django_session")


def bug_in_a_task(stage: Stage) -> None:
    """It is told to deliver what has no number, and says so."""
    with closing(stage.khronos.redis()) as broker:
        broker.lpush(DELIVERY_TASK.queue, doorbell.message(DELIVERY_TASK, [BOT]))  # type: ignore[list-item]
