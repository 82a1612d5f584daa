"""One id shows the whole life of a message: in headers, log lines, events, and the question to the model."""

import http.client
import json
import time
from contextlib import closing
from typing import Any

import pytest

from bench.logs import lines
from bench.patience import until
from khronos.channels.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from tests.acceptance.stage import Stage

STEPS = ["message.received", "message.dispatched", "model.asked", "turn.taken", "delivery.sent"]
EVENTS = [
    "inbox.message.received",
    "routing.handoff.requested",
    "agent.ai.response.generated",
    "outbox.message.sent",
]
SERVICES = ["web", "dispatcher", "agent", "agent", "agent"]


def post(stage: Stage, path: str, body: bytes, headers: dict[str, str]) -> http.client.HTTPResponse:
    with closing(http.client.HTTPConnection("127.0.0.1", stage.khronos.port, timeout=10)) as connection:
        connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        response.read()
        return response


def by_telegram(
    stage: Stage, number: int, headers: dict[str, str], chat: int = 0
) -> http.client.HTTPResponse:
    stage.world.telegram.open_chat(chat or number)
    person = {"id": chat or number, "is_bot": False, "first_name": "Ann"}
    place = {"id": chat or number, "type": "private"}
    message = {"message_id": number, "date": int(time.time()), "chat": place, "from": person, "text": "hello"}
    body = json.dumps({"update_id": number, "message": message}).encode()
    secret = {"X-Telegram-Bot-Api-Secret-Token": stage.khronos.env["TELEGRAM_WEBHOOK_SECRET"]}
    return post(stage, "/webhooks/telegram/default/", body, secret | headers)


def by_web(stage: Stage, number: int, headers: dict[str, str]) -> http.client.HTTPResponse:
    said = {"id": f"m{number}", "chat": f"visitor-{number}", "type": "message", "text": "hello"}
    body = json.dumps(said | {"sender": {"id": f"visitor-{number}"}}).encode()
    ((secret,),) = stage.khronos.sql("SELECT secret FROM khronos_channel WHERE slug = 'chat'")
    now = str(int(time.time()))
    signed = {TIMESTAMP_HEADER: now, SIGNATURE_HEADER: sign(secret, now, body)}
    return post(stage, "/webhooks/web/chat/", body, signed | headers)


def told(stage: Stage, trace_id: str) -> list[dict[str, Any]]:
    """The lines with this id, once all steps are among them. Of two processes either may be first to tell."""

    def is_over() -> bool:
        return set(STEPS) <= {line["message"] for line in naming(stage, trace_id)}

    assert until(is_over, 20)
    return naming(stage, trace_id)


def naming(stage: Stage, trace_id: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(stage.khronos.home.path / "logs") if trace_id in line]


@pytest.mark.parametrize("by", [by_telegram, by_web])
@pytest.mark.parametrize("given", ["", "mine-1:a.b_c"])
def test_every_step_and_event_of_a_message_has_its_trace(stage: Stage, by: Any, given: str) -> None:
    number = 7_000_000 + time.time_ns() % 1_000_000
    given = given and f"{given}-{number}"
    response = by(stage, number, {"X-Trace-Id": given} if given else {})
    trace_id = response.headers["X-Trace-Id"]
    assert response.status in (200, 202)
    assert (trace_id == given) if given else len(trace_id) == 32
    assert response.headers["X-Correlation-ID"] == trace_id

    found = told(stage, trace_id)
    assert sorted(line["message"] for line in found) == sorted(STEPS)
    assert sorted(line["service"] for line in found) == sorted(SERVICES)
    assert {line["trace_id"] for line in found} == {line["correlation_id"] for line in found} == {trace_id}
    assert {line["level"] for line in found} == {"info"}
    assert len({line["span_id"] for line in found}) == 5
    assert len({(line["user_id"], line["conversation"]) for line in found}) == 1
    assert all(line["duration_ms"] >= 0 and "error" not in line for line in found)
    turn = next(line for line in found if line["message"] == "turn.taken")
    assert (turn["state"], turn["attempt"]) == ("answered", 1)
    assert "also" not in turn
    model = next(line for line in found if line["message"] == "model.asked")
    assert model["provider"] == "anthropic"
    assert model["input_tokens"] > 0

    events = stage.khronos.sql(f"SELECT type FROM khronos_event WHERE trace_id = '{trace_id}' ORDER BY id")
    assert sorted(type_ for (type_,) in events) == sorted(EVENTS)
    assert [call.trace_id for call in stage.world.models.calls()] == [trace_id]


def test_both_headers_are_in_all_lines_and_returned_and_an_odd_one_is_not_taken(stage: Stage) -> None:
    response = by_telegram(stage, 8_000_001, {"X-Trace-Id": "t-both", "X-Correlation-ID": "c-both"})
    assert (response.headers["X-Trace-Id"], response.headers["X-Correlation-ID"]) == ("t-both", "c-both")
    found = told(stage, "t-both")
    assert sorted(line["message"] for line in found) == sorted(STEPS)
    assert {(line["trace_id"], line["correlation_id"]) for line in found} == {("t-both", "c-both")}
    assert naming(stage, "c-both") == found
    odd = by_telegram(stage, 8_000_002, {"X-Trace-Id": "x" * 65, "X-Correlation-ID": "{}"})
    assert len(odd.headers["X-Trace-Id"]) == 32


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/webhooks/telegram/default/", 403),
        ("/webhooks/telegram/nobody/", 404),
        ("/nowhere", 404),
        ("/chat/messages", 415),
        ("/admin/login/", 403),
        ("/health", 405),
    ],
)
def test_refusals_name_their_trace_too(stage: Stage, path: str, status: int) -> None:
    response = post(stage, path, b"{}", {"X-Correlation-ID": "mine", "Content-Type": "text/plain"})
    assert response.status == status
    assert response.headers.get_all("X-Trace-Id") == response.headers.get_all("X-Correlation-ID") == ["mine"]


def test_a_turn_names_the_other_messages_that_it_answers(stage: Stage) -> None:
    """The first is being thought about while the others come: these are answered together."""
    stage.world.models.hold()
    number = 9_000_000 + time.time_ns() % 1_000_000
    traces = [f"{word}-{number}" for word in ("first", "second", "third")]
    for n, trace_id in enumerate(traces):
        by_telegram(stage, number + n, {"X-Trace-Id": trace_id}, number)
        stage.thinking(1)
    stage.dispatched()
    stage.world.models.let_go()
    turns = [
        next(line for line in told(stage, trace_id) if line["message"] == "turn.taken")
        for trace_id in traces[:2]
    ]
    assert ["also" in turn for turn in turns] == [False, True]
    assert turns[1]["also"] == traces[2:]
    of_third = naming(stage, traces[2])
    assert sorted((line["message"], line["trace_id"]) for line in of_third) == sorted(
        [(name, traces[2]) for name in STEPS[:2]]
        + [(name, traces[1]) for name in ("model.asked", "turn.taken")]
    )
