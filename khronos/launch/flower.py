"""Flower, a view of Celery's queues: behind a password, for looking only (docs/dashboard.md).

It runs without Django and without Celery's command line, which would load every plug-in it finds.
"""

import atexit
import hmac
import os
import signal
import sys
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from celery import Celery
from flower import app, command
from tornado.httputil import HTTPServerRequest
from tornado.options import options
from tornado.web import RequestHandler

from khronos.exceptions import Misconfigured
from settings.dotenv import merged

USER = "khronos"
MOST_TASKS = 10_000  # remembered, some 2 kB each; Flower's own 100,000 would pass our limit of memory
OPEN_TO_ALL = "/healthcheck"
LOOKS = ("GET", "HEAD")
LOOK_BY_POST = ("POST", "/tasks/datatable")  # the list of tasks asks with a form


class Refusal(RequestHandler):
    def initialize(self, status: int, reason: str) -> None:
        self.status, self.reason = status, reason

    def check_xsrf_cookie(self) -> None:
        """Nothing is done anyway, and the answer shall name the right reason."""

    def prepare(self) -> None:
        self.set_status(self.status)
        if self.status == 401:
            self.set_header("WWW-Authenticate", 'Basic realm="Flower of Khronos", charset="UTF-8"')
        self.finish(self.reason)


class GuardedFlower(app.Flower):  # type: ignore[misc]
    """Flower leaves its metrics open to all, and each of its addresses to look after itself."""

    password: str
    is_read_only: bool

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        path = str(request.path).removeprefix(f"/{(options.url_prefix or '').strip('/')}".rstrip("/"))
        if path != OPEN_TO_ALL and not has_password(request, self.password):
            return self.refuse(request, 401, "Sign in: /admin/ says how, under Flower.\n")
        is_look = request.method in LOOKS or (request.method, path) == LOOK_BY_POST
        if self.is_read_only and not is_look:
            return self.refuse(request, 403, "This is for looking only. FLOWER_READ_ONLY=0 changes that.\n")
        return super().find_handler(request, **kwargs)

    def refuse(self, request: HTTPServerRequest, status: int, reason: str) -> Any:
        return self.get_handler_delegate(request, Refusal, {"status": status, "reason": reason})


def has_password(request: HTTPServerRequest, password: str) -> bool:
    expected = "Basic " + b64encode(f"{USER}:{password}".encode()).decode()
    return hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected.encode())


def configure(settings: Mapping[str, str], arguments: list[str]) -> None:
    password = settings.get("FLOWER_PASSWORD", "")
    if not password:
        raise Misconfigured(
            "FLOWER_PASSWORD is empty, and Flower shows what people write.\n"
            "  Fix: set it in the environment or in .env; `make up` makes one by itself."
        )
    os.environ["FLOWER_READ_ONLY"] = settings.get("FLOWER_READ_ONLY") or "1"
    command.apply_env_options()
    command.apply_options("flower", arguments)
    options.basic_auth = [f"{USER}:{password}"]
    options.auth = ""
    options.max_tasks = min(options.max_tasks, MOST_TASKS)
    command.extract_settings()
    command.setup_logging()
    GuardedFlower.password, GuardedFlower.is_read_only = password, options.read_only


def main() -> None:
    settings = merged()
    try:
        configure(settings, sys.argv[1:])
    except Misconfigured as error:
        sys.exit(f"❌ {error}")
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)  # Celery would load Django for it
    celery = Celery("khronos", broker=settings.get("CELERY_BROKER_URL") or settings["REDIS_URL"])
    flower = GuardedFlower(capp=celery, options=options, **command.settings)
    atexit.register(flower.stop)
    # Flower's own handler raises: amid the start of a thread, Python would then wait for that one for ever.
    for number in (signal.SIGTERM, signal.SIGINT):
        flower.io_loop.asyncio_loop.add_signal_handler(number, flower.io_loop.stop)
    flower.start_http_server()
    flower.start()


if __name__ == "__main__":
    main()
