"""Logs tell what failed and where, and no frame's variables."""

import json
import logging
import sys

import pytest
import structlog

from khronos.observability.logging import formatter

CANARY = "canary-that-must-not-sing"


def fail() -> None:
    password = "-".join(["canary", "that", "must", "not", "sing"])  # not in the source as one word
    raise ValueError(f"a word of {len(password)} letters")


def said(for_people: bool) -> str:
    try:
        fail()
    except ValueError:
        record = logging.LogRecord("khronos", logging.ERROR, __file__, 1, "it failed", None, sys.exc_info())
    return formatter(for_people).format(record)


@pytest.mark.parametrize("for_people", [True, False])
def test_traceback_has_no_variables(for_people: bool) -> None:
    text = said(for_people)
    assert CANARY not in text
    assert all(
        word in text
        for word in ("it failed", "ValueError", "a word of 25 letters", "in fail" if for_people else '"fail"')
    )


@pytest.mark.parametrize("for_people", [True, False])
def test_traceback_of_a_structlog_logger_has_none_either(for_people: bool) -> None:
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Keep()
    handler.setFormatter(formatter(for_people))
    logger = logging.getLogger("khronos.test-of-tracebacks")
    logger.addHandler(handler)
    wrap = structlog.stdlib.ProcessorFormatter.wrap_for_formatter
    log = structlog.wrap_logger(logger, processors=[wrap], wrapper_class=structlog.stdlib.BoundLogger)
    try:
        fail()
    except ValueError:
        log.exception("it failed")
    finally:
        logger.removeHandler(handler)
    assert CANARY not in "".join(lines)
    assert "a word of 25 letters" in "".join(lines)


def test_json_keeps_the_frames() -> None:
    [failure] = json.loads(said(for_people=False))["exception"]
    assert [frame["name"] for frame in failure["frames"]] == ["said", "fail"]
    assert not any(frame.get("locals") for frame in failure["frames"])
