"""What is told to others, errors and traces: begun with the process, never waited for long at its end."""

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from importlib import import_module

FLUSH_S = 1.0  # a receiver that hangs must not keep a process

log = logging.getLogger(__name__)

_flushes: list[Callable[[], object]] = []


def start(service: str, environment: str, version: str, sentry_dsn: str) -> None:
    """Nothing is imported for what is off."""
    if sentry_dsn:
        begin("khronos.observability.sentry", service, environment, version, sentry_dsn)
    if traces_are_wanted(os.environ):
        begin("khronos.observability.spans", service, environment, version)
    if are_used():
        atexit.register(flush)


def begin(module: str, *given: str) -> None:
    """What cannot tell must not keep from working."""
    try:
        _flushes.append(import_module(module).start(*given))
    except Exception:
        log.exception("%s cannot start", module)


def traces_are_wanted(environ: Mapping[str, str]) -> bool:
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    is_off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return any(map(environ.get, names)) and not is_off and environ.get("OTEL_TRACES_EXPORTER") != "none"


def are_used() -> bool:
    return bool(_flushes)


def flush() -> str:
    """A second for all of them; what is not sent by then is left."""
    until = time.monotonic() + FLUSH_S
    threads = [threading.Thread(target=each, daemon=True) for each in _flushes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    left = sum(thread.is_alive() for thread in threads)
    return f"{len(threads) - left} of {len(threads)} receivers told"
