"""`/metrics` of a process without a web server beside it: an agent alone in its container (METRICS_PORT)."""

import logging
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.conf import settings
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from khronos.facts.views import scrape
from khronos.observability.views import is_token

PATIENCE_S = 5.0  # with a client that says nothing

log = logging.getLogger(__name__)


class Handler(BaseHTTPRequestHandler):
    timeout = PATIENCE_S

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self.say(HTTPStatus.NOT_FOUND)
        elif not is_token(self.headers.get("Authorization", "")):
            self.say(HTTPStatus.UNAUTHORIZED)
        else:
            self.say(HTTPStatus.OK, scrape())

    def say(self, status: HTTPStatus, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)
        self.send_header("Content-Length", str(len(body)))
        if status is HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A scrape is no news."""


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A scraper that hung up."""


def begin() -> Server | None:
    """Of several processes on one machine the first one serves: all would say the same."""
    if settings.METRICS_PORT is None:
        return None
    try:
        server = Server((settings.METRICS_HOST, settings.METRICS_PORT), Handler)
    except OSError as error:
        log.warning("metrics are not served here", extra={"port": settings.METRICS_PORT, "error": str(error)})
        return None
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
