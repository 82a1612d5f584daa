"""One id follows a message through its whole life: taken from a request or made, returned, sent along."""

import re
import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest

from khronos.observability.secrecy import scrub
from khronos.observability.steps import Ids, bound, here, switch, trace_number

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TRACE_HEADER = "X-Trace-Id"
CORRELATION_HEADER = "X-Correlation-ID"
TRACE, CORRELATION, PARENT = "HTTP_X_TRACE_ID", "HTTP_X_CORRELATION_ID", "HTTP_TRACEPARENT"
USABLE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")


class Given(Ids, total=False):
    span_id: str  # the caller's, where he is part of a trace himself


def given(request: HttpRequest) -> Ids:
    """The caller's ids, or new ones where there are none that can be used."""
    return ids_of(request.META)


def made() -> Ids:
    return {"trace_id": secrets.token_hex(16), "correlation_id": None}


def ids_of(environ: "WSGIEnvironment") -> Given:
    """What is bound for a request."""
    known: Given | None = environ.get("khronos.ids")
    if known is None:
        trace_id, correlation_id = usable(environ.get(TRACE, "")), usable(environ.get(CORRELATION, ""))
        parent = TRACEPARENT.fullmatch(environ.get(PARENT, ""))
        trace_id = trace_id or correlation_id or (parent[1] if parent else secrets.token_hex(16))
        is_other = correlation_id not in ("", trace_id)
        known = {"trace_id": trace_id, "correlation_id": correlation_id if is_other else None}
        if parent and parent[1] == trace_id:
            known["span_id"] = parent[2]
        environ["khronos.ids"] = known
    return known


def usable(given: str) -> str:
    """Short, of harmless signs, and no secret that somebody took for an id."""
    return given if given and USABLE.fullmatch(given) and scrub(given) == given else ""


def traced(application: "WSGIApplication") -> "WSGIApplication":
    """Every answer names its trace, whoever gave it; every line on the way to it too."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        ids = ids_of(environ)

        def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Callable[[bytes], object]:
            named = {name.lower() for name, _ in headers}
            for name, value in headers_of(ids["trace_id"], ids["correlation_id"]).items():
                if name.lower() not in named:
                    headers.append((name, value))
            return start_response(status, headers, *failure)

        with bound(**ids):
            return application(environ, start)

    return answer


def headers_of(trace_id: str, correlation_id: str | None) -> dict[str, str]:
    return {TRACE_HEADER: trace_id, CORRELATION_HEADER: correlation_id or trace_id}


def outgoing() -> dict[str, str]:
    """Headers for those whom we ask on behalf of the message at hand."""
    facts = here()
    trace_id = facts.get("trace_id", "")
    if not trace_id:
        return {}
    headers = headers_of(trace_id, facts.get("correlation_id"))
    if switch.export is not None and (span_id := facts.get("span_id")):
        headers["traceparent"] = f"00-{trace_number(trace_id)}-{span_id}-01"
    return headers
