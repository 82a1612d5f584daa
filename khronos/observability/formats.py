"""How a log line looks: JSON for programs, coloured text for a person. No secret is in either."""

import json
import logging
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from khronos.observability import steps
from khronos.observability.secrecy import scrub

MESSAGE_MAX, EXCEPTION_MAX = 8_000, 16_000  # characters; a line stays one write

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
TAKEN = STANDARD | {"timestamp", "level", *steps.IDS, "service", "environment", "version", "logger"}
PLAIN_TYPES = {str, int, float, bool, type(None), UUID}
OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


class JsonLines(logging.Formatter):
    def __init__(self, service: str, environment: str = "", version: str = "") -> None:
        super().__init__()
        self.about = {"service": service, "environment": environment, "version": version}

    def format(self, record: logging.LogRecord) -> str:
        facts = facts_of(record)
        trace_id = facts.get("trace_id") or None
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "message": record.getMessage()[:MESSAGE_MAX],
            "correlation_id": facts.get("correlation_id") or trace_id,
            "trace_id": trace_id,
            "span_id": facts.get("span_id"),
            "user_id": facts.get("user_id"),
            **self.about,
            "pid": os.getpid(),
            "logger": record.name,
        }
        told = {name: facts[name] for name in facts if name not in TAKEN}
        if exception := exception_of(self, record):
            told["exception"] = exception
        text = dumped({**line, **told})
        return text if are_harmless([line["message"], *told.values()]) else scrub(text)


def are_harmless(values: Sequence[object]) -> bool:
    """Most lines are, and to see it in the few words that are theirs is cheaper than to scrub all of them."""
    if not all(type(value) in PLAIN_TYPES for value in values):
        return False
    words = "\n".join([value for value in values if type(value) is str])
    return scrub(words) == words


class Text(logging.Formatter):
    COLOURS = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "1;31"}
    LEFT_OUT = ("span_id", "correlation_id", "user_id")

    def format(self, record: logging.LogRecord) -> str:
        level = record.levelname.lower()
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        told = {name: value for name, value in facts_of(record).items() if name not in self.LEFT_OUT}
        words = [painted("2", clock), painted(self.COLOURS.get(level, "0"), f"{level:<8}")]
        words += [record.getMessage(), *(painted("2", f"{name}={value}") for name, value in told.items())]
        return scrub("\n".join(filter(None, [" ".join(words), exception_of(self, record)])))


def facts_of(record: logging.LogRecord) -> steps.Facts:
    """What is bound, and what this line says beside its message."""
    said, facts = vars(record), steps.here()
    if record.exc_info and record.exc_info[1] is not None:
        facts = getattr(record.exc_info[1], steps.MARK, {}) | facts
    if len(said) == PLAIN:
        return facts
    return facts | {name: said[name] for name in said if name not in STANDARD}


PLAIN = len(vars(logging.LogRecord("", 0, "", 0, "", None, None)))  # attributes of a record without extras


def painted(colour: str, text: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m"


def exception_of(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """Without the frames' variables: those hold passwords and tokens."""
    if record.exc_info and not record.exc_text:
        record.exc_text = formatter.formatException(record.exc_info)
    parts = [record.exc_text, formatter.formatStack(record.stack_info) if record.stack_info else None]
    return "\n".join(filter(None, parts))[-EXCEPTION_MAX:]


def dumped(line: dict[str, Any]) -> str:
    try:
        return orjson.dumps(line, default=str, option=OPTIONS).decode()
    except TypeError:  # lone surrogates, integers of more than 64 bits
        return json.dumps(line, default=str)
