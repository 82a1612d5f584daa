"""Logs. One JSON object a line, or coloured text where a person watches."""

import logging
import os
import sys
from typing import Any

import structlog

QUIET = ("httpx", "httpx2", "httpcore", "httpcore2", "anthropic", "openai", "urllib3", "amqp", "psycopg.pool")

shared: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


# Tracebacks without the frames' variables: those hold passwords and tokens.
bare_traceback = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


def name_process(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    event["service"] = os.environ.get("KHRONOS_PROCESS", "manage")
    event["pid"] = os.getpid()
    return event


def configure(options: dict[str, Any]) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(sys.stderr.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(options["level"])
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)  # they hold tokens in URLs, or tell of every call
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def formatter(for_people: bool) -> logging.Formatter:
    last: list[Any]
    if for_people:
        last = [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
    else:
        last = [
            name_process,
            bare_traceback,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        ]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last)
