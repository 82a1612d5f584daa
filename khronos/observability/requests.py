"""HTTP requests, counted by their route's pattern: never by a raw path, which anybody can make up."""

import time
from functools import lru_cache

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Histogram

from khronos.observability import metrics

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
OTHER = "other"


class MeasuredHandler(WSGIHandler):
    """Django's own, with an eye on the clock."""

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = super().get_response(request)
        match = request.resolver_match
        route = f"/{match.route}" if match else OTHER
        measured(request.method, route, response.status_code).observe(time.perf_counter() - began)
        return response


def handler() -> WSGIHandler:
    return MeasuredHandler() if settings.OBSERVABILITY else WSGIHandler()


@lru_cache(maxsize=1024)
def measured(method: str | None, route: str, status: int) -> Histogram:
    return metrics.HTTP.labels(
        method=method if method in METHODS else OTHER, route=route, status_code=str(status)
    )
