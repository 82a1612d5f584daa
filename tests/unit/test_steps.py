"""A step is one line at its end, and binds what it knows to all lines within."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from khronos.observability import steps
from khronos.observability.formats import JsonLines
from khronos.observability.steps import bound, happened, here, note, span_of, step, trace_number
from khronos.observability.tracing import outgoing

log = logging.getLogger("khronos.test-of-steps")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    lines: list[dict[str, Any]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(orjson.loads(JsonLines("web").format(record)))

    steps.flush()  # what other tests have left
    keep, khronos = Keep(), logging.getLogger("khronos")
    monkeypatch.setattr(khronos, "level", logging.INFO)
    monkeypatch.setattr(steps, "switch", steps.Switch())
    monkeypatch.setattr(steps.clerk, "later", steps.clerk.now)
    logging.getLogger("khronos").manager._clear_cache()  # type: ignore[attr-defined]
    khronos.addHandler(keep)
    yield lines
    khronos.removeHandler(keep)
    logging.getLogger("khronos").manager._clear_cache()  # type: ignore[attr-defined]


def test_a_step_is_one_line_with_its_duration_and_what_was_added(told: list[dict[str, Any]]) -> None:
    with step("turn.taken", trace_id="t-1", turn=7) as this:
        log.info("within")
        this.add(state="answered")
    within, line = told
    assert (within["message"], within["trace_id"], within["turn"]) == ("within", "t-1", 7)
    assert "state" not in within
    assert (line["message"], line["state"], line["trace_id"]) == ("turn.taken", "answered", "t-1")
    assert line["duration_ms"] >= 0
    assert line["span_id"] == within["span_id"] != ""
    assert here() == {}


def test_a_step_that_fails_says_so_and_lets_the_error_pass(told: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="odd"), step("turn.taken", trace_id="t-1"):
        raise ValueError("odd")
    [line] = told
    assert (line["level"], line["error"]) == ("info", "ValueError: odd")
    assert here() == {}


def test_switched_off_nothing_is_written_and_all_is_bound(told: list[dict[str, Any]]) -> None:
    steps.switch.lines = False
    with step("turn.taken", trace_id="t-1"):
        log.warning("trouble")
        happened("message.dispatched", trace_id="t-2")
    [line] = told
    assert (line["message"], line["trace_id"]) == ("trouble", "t-1")


def test_the_parent_is_the_step_around_or_the_one_named(told: list[dict[str, Any]]) -> None:
    spans: list[steps.Span] = []
    steps.switch.export = spans.append
    with step("turn.taken", after="message.dispatched", named=True, trace_id="t-1"), step("model.asked"):
        pass
    happened("message.dispatched", after="message.received", trace_id="t-1", duration_ms=3.0)
    model, turn, dispatched = spans
    assert model.parent_id == turn.span_id == span_of("t-1", "turn.taken")
    assert turn.parent_id == dispatched.span_id
    assert dispatched.parent_id == span_of("t-1", "message.received")
    assert {span.trace_id for span in spans} == {"t-1"}
    assert len(told) == 3


def test_a_span_that_cannot_be_drawn_stops_no_message(told: list[dict[str, Any]]) -> None:
    def broken(_span: steps.Span) -> None:
        raise RuntimeError("no collector")

    steps.switch.export = broken
    with step("turn.taken", trace_id="t-1", turn=7):
        log.info("within")
    assert [line["message"] for line in told] == ["within", "turn.taken", "a span is lost"]
    assert "RuntimeError: no collector" in told[-1]["exception"]
    assert here() == {}


def test_an_error_that_can_hold_nothing_passes_as_it_is(told: list[dict[str, Any]]) -> None:
    @dataclass(frozen=True)
    class Frozen(Exception):
        code: int

    with pytest.raises(Frozen), step("turn.taken", trace_id="t-1"):
        raise Frozen(7)
    assert len(told) == 1


def test_whoever_is_asked_hears_of_a_span_only_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps.switch, "export", lambda _span: None)
    with bound(trace_id="t-1"):
        assert outgoing() == {"X-Trace-Id": "t-1", "X-Correlation-ID": "t-1"}
        with step("model.asked"):
            parent = f"00-{trace_number('t-1')}-{here()['span_id']}-01"
            assert outgoing() == {"X-Trace-Id": "t-1", "X-Correlation-ID": "t-1", "traceparent": parent}


def test_another_trace_is_another_span(told: list[dict[str, Any]]) -> None:
    assert len({span_of("a", "x"), span_of("b", "x"), span_of("a", "y")}) == 3
    with bound(correlation_id="c"), step("x", trace_id="a"):
        pass
    assert told[0]["correlation_id"] == "c"


def test_what_is_noted_is_for_the_step_around_alone(told: list[dict[str, Any]]) -> None:
    note(state="lost")
    with bound(trace_id="t-1"), step("turn.taken"):
        note(state="parked")
    log.info("later")
    taken, later = told
    assert taken["state"] == "parked"
    assert "state" not in later


def test_an_error_that_is_logged_further_out_knows_its_trace(told: list[dict[str, Any]]) -> None:
    try:
        with bound(trace_id="t-1", turn=7):
            raise ValueError("odd")
    except ValueError:
        log.exception("caught")
    assert told[0]["trace_id"] == "t-1"
    assert "ValueError: odd" in told[0]["exception"]


def test_a_step_that_stands_for_itself_takes_nothing_from_around(told: list[dict[str, Any]]) -> None:
    with bound(trace_id="t-1", turn=7):
        happened("delivery.sent", trace_id="t-2")
    assert told[0]["trace_id"] == "t-2"
    assert "turn" not in told[0]


@pytest.mark.parametrize("odd", ["mine-1", "0" * 32, "A" * 32, "f" * 31])
def test_a_trace_of_somebody_elses_words_has_a_number_too(odd: str) -> None:
    assert trace_number("0af7651916cd43dd8448eb211c80319c") == "0af7651916cd43dd8448eb211c80319c"
    assert re.fullmatch("[0-9a-f]{32}", trace_number(odd))
    assert trace_number(odd) == trace_number(odd) != odd
