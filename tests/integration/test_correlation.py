"""An id that a caller sends beside his trace is in every row, line and fact of his message, and finds it."""

from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.test import Client

from bench.simulator import Simulator
from khronos.conversation import dispatch, handoff
from khronos.desk.why import Unknown, explain
from khronos.intake import channels
from khronos.intake.accept import accept
from khronos.models import Channel, Conversation, Delivery, Event, Message, Turn, Update
from tests import factories as make
from tests.integration import test_web_intake, way
from tests.integration.test_intake import SECRET, URL, update
from tests.integration.test_web_callback import Site, site
from tests.unit.test_steps import told

__all__ = ["site", "told"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bus")]

BOTH = {"X-Trace-Id": "trace-1", "X-Correlation-ID": "order.4711"}
ROWS: tuple[Any, ...] = (Update, Turn, Delivery, Event)
STEPS = ["message.received", "message.dispatched", "model.asked", "turn.taken", "delivery.sent"]

type Send = Callable[[int, dict[str, str]], Any]


def by_telegram(number: int, headers: dict[str, str]) -> Any:
    return Client().post(URL, update(number), content_type="application/json", headers=SECRET | headers)


def by_web(number: int, headers: dict[str, str]) -> Any:
    body = test_web_intake.body(f"m-{number}")
    return test_web_intake.post(body, test_web_intake.signed(body) | headers)


@pytest.fixture(params=[by_telegram, by_web])
def send(request: pytest.FixtureRequest, telegram: Channel, sim: Simulator, site: Site) -> Send:
    sim.telegram.open_chat(7)
    make.make_channel(slug="site", kind="web", token="", secret="hush", callback_url=site.url)
    channels.forget()
    by: Send = request.param
    return by


def all_the_way() -> None:
    waiting = list(Update.objects.waiting().values_list("pk", flat=True))
    dispatch.tell_steps(dispatch.dispatch(waiting), 1.0)
    way.answer()


def ids_of(model: Any) -> set[tuple[str, str | None]]:
    return set(model.objects.values_list("trace_id", "correlation_id"))


def test_it_is_in_every_row_line_and_fact_and_told_to_whoever_is_asked(
    send: Send, sim: Simulator, site: Site, bus: "redis.Redis", told: list[dict[str, Any]]
) -> None:
    assert send(1, BOTH).status_code in (200, 202)
    all_the_way()
    lines = [line for line in told if line["message"] in STEPS]
    assert sorted(line["message"] for line in lines) == sorted(STEPS)
    assert {(line["trace_id"], line["correlation_id"]) for line in lines} == {("trace-1", "order.4711")}
    assert [ids_of(model) for model in ROWS] == [{("trace-1", "order.4711")}] * 4
    [rung] = way.told(bus, "inbox.message.received")
    assert (rung["trace_id"], rung["correlation_id"]) == ("trace-1", "order.4711")
    [call] = sim.models.calls()
    assert (call.trace_id, call.correlation_id) == ("trace-1", "order.4711")
    called_back = [headers["X-Correlation-ID"] for headers, _ in site.got]
    assert called_back == (["order.4711"] if send is by_web else [])


def test_where_none_is_sent_nothing_is_stored_and_the_trace_stands_for_it(
    send: Send, sim: Simulator, bus: "redis.Redis", told: list[dict[str, Any]]
) -> None:
    assert send(1, {}).status_code in (200, 202)
    assert send(2, {"X-Correlation-ID": "alone"}).status_code in (200, 202)
    assert send(3, {"X-Trace-Id": "same", "X-Correlation-ID": "same"}).status_code in (200, 202)
    all_the_way()
    assert [set(model.objects.values_list("correlation_id", flat=True)) for model in ROWS] == [{None}] * 4
    assert {line["correlation_id"] == line["trace_id"] != "" for line in told} == {True}
    assert {line["trace_id"] for line in told} >= {"alone", "same"}
    assert all("correlation_id" not in fields for fields in way.told(bus, "inbox.message.received"))


@pytest.mark.parametrize("odd", ["x" * 65, "{}", "a\nb", "ação", "a b"])
def test_nonsense_is_not_taken(send: Send, odd: str) -> None:
    assert send(1, {"X-Trace-Id": "mine", "X-Correlation-ID": odd}).status_code in (200, 202)
    assert ids_of(Update) == {("mine", None)}


def test_the_newest_of_its_messages_is_found_by_it_whatever_is_left(
    telegram: Channel, sim: Simulator
) -> None:
    for number in (1, 2):
        accept(telegram, update(number), way.under(f"trace-{number}", "4711"))
    assert explain("4711").rows["update"] == Update.objects.get(key="2").pk
    all_the_way()
    story = explain("4711")
    newest = Message.objects.filter(author=Message.Author.CONTACT).latest("pk")
    assert (story.trace_id, story.correlation_id, story.rows["message"]) == ("trace-2", "4711", newest.pk)
    assert "trace trace-2 · correlation 4711 · " in way.run("why", "4711")
    Message.objects.update(update=None)
    Update.objects.all().delete()
    assert explain("4711").rows["turn"] == Turn.objects.get().pk
    with pytest.raises(Unknown):
        explain("471")


def test_a_trace_of_that_name_goes_before_and_one_that_came_again_is_found(telegram: Channel) -> None:
    accept(telegram, update(1), way.under("a", "b"))
    accept(telegram, update(2), way.under("b", "c"))
    way.dispatch()
    assert explain("b").rows["update"] == Update.objects.get(key="2").pk
    assert not accept(telegram, update(1), way.under("again", "again.too")).is_new
    assert explain("again.too").rows["update"] == Update.objects.get(key="1").pk


def test_a_turn_names_the_others_that_it_answers(
    telegram: Channel, sim: Simulator, told: list[dict[str, Any]]
) -> None:
    for number in (1, 2, 3):
        accept(telegram, update(number), way.under(f"trace-{number}", "order" if number == 1 else None))
    all_the_way()
    [turn] = [line for line in told if line["message"] == "turn.taken"]
    assert sorted([turn["trace_id"], *turn["also"]]) == ["trace-1", "trace-2", "trace-3"]
    assert [turn["correlation_id"], *turn.get("also_correlated", ())].count("order") == 1


def test_what_people_give_back_is_answered_under_it(telegram: Channel, sim: Simulator) -> None:
    accept(telegram, update(1), way.under("trace-1", "order"))
    Channel.objects.update(routing=Channel.Routing.QUEUE, queue=make.make_queue(tenant=telegram.tenant))
    all_the_way()
    talk = Conversation.objects.get()
    assert handoff.release(talk, by="rita")
    assert ids_of(Turn) == ids_of(Event) == {("trace-1", "order")}
