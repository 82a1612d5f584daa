"""A log line has the fields that it promises, whatever it tells of, and no frame's variables."""

import json
import logging
import sys
from typing import Any

import pytest

from khronos.observability.formats import EXCEPTION_MAX, MESSAGE_MAX, JsonLines, Text
from khronos.observability.steps import bound

FIELDS = [
    "timestamp", "level", "message", "correlation_id", "trace_id", "span_id", "user_id",
    "service", "environment", "version", "pid", "logger",
]  # fmt: skip
CANARY = "canary-that-must-not-sing"


def fail() -> None:
    password = "-".join(["canary", "that", "must", "not", "sing"])  # not in the source as one word
    raise ValueError(f"a word of {len(password)} letters")


def record(
    message: Any = "said", *given: object, level: int = logging.INFO, **extra: object
) -> logging.LogRecord:
    made = logging.getLogger("khronos.x").makeRecord(
        "khronos.x", level, "", 1, message, given, None, extra=extra
    )
    return made


def failed() -> logging.LogRecord:
    try:
        fail()
    except ValueError:
        return logging.LogRecord("khronos", logging.ERROR, __file__, 1, "it failed", None, sys.exc_info())
    raise AssertionError


def line(of: logging.LogRecord) -> dict[str, Any]:
    text = JsonLines("web", "test", "1.2").format(of)
    assert "\n" not in text
    read: dict[str, Any] = json.loads(text)
    return read


@pytest.mark.parametrize("formatter", [Text(), JsonLines("web")])
def test_traceback_has_no_variables(formatter: logging.Formatter) -> None:
    text = formatter.format(failed())
    assert CANARY not in text
    assert all(word in text for word in ("it failed", "ValueError", "a word of 25 letters", "in fail"))


def test_every_line_has_the_same_fields_in_the_same_order() -> None:
    read = line(record("%s went", "it"))
    assert list(read) == FIELDS
    assert read["message"] == "it went"
    assert (read["level"], read["service"], read["environment"], read["version"]) == (
        "info",
        "web",
        "test",
        "1.2",
    )
    assert read["trace_id"] is None
    assert read["timestamp"].endswith("Z")


def test_what_is_bound_is_in_the_line_and_gone_afterwards() -> None:
    with bound(trace_id="t-1", turn=7):
        with bound(correlation_id="c-1", turn=8):
            inner = line(record())
        outer = line(record())
    assert (inner["trace_id"], inner["correlation_id"], inner["turn"]) == ("t-1", "c-1", 8)
    assert (outer["trace_id"], outer["correlation_id"], outer["turn"]) == ("t-1", "t-1", 7)
    assert list(line(record())) == FIELDS


def test_what_a_line_says_itself_counts_more_than_what_is_bound() -> None:
    with bound(trace_id="t-1"):
        assert line(record(trace_id="t-2"))["trace_id"] == "t-2"


def test_no_extra_overwrites_a_field() -> None:
    read = line(record(service="liar", logger="none", environment="moon", shoes=2))
    assert (read["service"], read["logger"], read["environment"], read["shoes"]) == (
        "web",
        "khronos.x",
        "test",
        2,
    )


@pytest.mark.parametrize(
    "odd", ["\ud800", 2**70, {1: {2, 3}}, object(), b"\xff", float("nan"), ValueError("x")]
)
def test_nothing_odd_costs_a_line(odd: object) -> None:
    assert line(record(odd=odd))["message"] == "said"


def test_a_line_is_of_bounded_size() -> None:
    long = record("x" * 10**6)
    long.exc_text = "y" * 10**6
    read = line(long)
    assert (len(read["message"]), len(read["exception"])) == (MESSAGE_MAX, EXCEPTION_MAX)


def test_text_for_people_has_colour_and_facts() -> None:
    with bound(trace_id="t-1", span_id="abc"):
        text = Text().format(record("hello", level=logging.WARNING))
    assert "\x1b[33mwarning" in text
    assert "trace_id=t-1" in text
    assert "abc" not in text
