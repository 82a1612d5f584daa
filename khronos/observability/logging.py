"""Where log lines go: files under KHRONOS_HOME/logs, and what the process prints to (docs/logs.md)."""

import logging
import os
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from khronos.observability import exports, steps
from khronos.observability.formats import JsonLines, Text
from khronos.observability.handlers import AUDIT, Files, Lines, Printed

QUIET = ("urllib3", "amqp", "psycopg.pool")
PUT_OFF = 503


_begun: dict[str, Any] = {}


def configure_django(options: dict[str, Any]) -> None:
    """Settings' LOGGING. Celery sets Django up a second time: nothing is begun twice."""
    if _begun == options:
        return
    _begun.update(options)
    about = options["environment"], options["version"]
    configure(**{name: value for name, value in options.items() if name != "sentry_dsn"})
    exports.start(name_of_process(), *about, options["sentry_dsn"])
    tell_of_crashes()


def configure(
    home: Path,
    level: str,
    environment: str,
    version: str,
    *,
    service: str = "",
    has_steps: bool = True,
    prints: bool = True,
) -> None:
    steps.switch.lines = has_steps
    json_lines = JsonLines(service or name_of_process(), environment, version)
    formatter = Text() if sys.stderr.isatty() else json_lines
    printed = Printed(sys.stderr, formatter) if prints else Lines(formatter)
    handlers: list[logging.Handler] = [printed]
    folder = home / "logs"
    if folder.is_dir():
        handlers.insert(0, Files(folder, json_lines, printed))
        if is_within(sys.stderr, folder):
            printed.setLevel(logging.CRITICAL)  # for whoever looks there why it died
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger(AUDIT).setLevel(logging.INFO)  # never too little to be told
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)  # they hold tokens in URLs, or tell of every call
    logging.getLogger("django.request").addFilter(no_error_if_put_off)


def no_error_if_put_off(record: logging.LogRecord) -> bool:
    """A 503 asks to come again. Why has its alert; an outage would report an error for each request."""
    if getattr(record, "status_code", None) == PUT_OFF:
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


def is_within(stream: TextIO, folder: Path) -> bool:
    """Our supervisor keeps there what a process prints."""
    try:
        printed = os.fstat(stream.fileno())
        return any(os.path.samestat(printed, path.stat()) for path in folder.glob("*.log"))
    except (OSError, ValueError):
        return False


def name_of_process() -> str:
    """The process's name in the Procfile; elsewhere that of the command."""
    if name := os.environ.get("KHRONOS_PROCESS"):
        return name
    is_command = Path(sys.argv[0]).name == "manage.py" and len(sys.argv) > 1
    return sys.argv[1] if is_command else "manage"


def tell_of_crashes() -> None:
    """What nobody caught is a line like any other."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = crashed
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = thread_crashed


def crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("khronos.crash").critical("the process crashes", exc_info=(kind, error, trace))
    exports.flush()


def thread_crashed(given: threading.ExceptHookArgs) -> None:
    if given.exc_type is not SystemExit and given.exc_value is not None:
        name = given.thread.name if given.thread else "?"
        told = (given.exc_type, given.exc_value, given.exc_traceback)
        logging.getLogger("khronos.crash").error("thread %s crashes", name, exc_info=told)
