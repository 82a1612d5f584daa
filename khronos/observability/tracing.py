"""One id follows a message through its whole life."""

import re
import secrets

from django.http import HttpRequest

TRACE_HEADER = "X-Trace-Id"
CORRELATION_HEADER = "X-Correlation-ID"
USABLE = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def headers_of(trace_id: str) -> dict[str, str]:
    return {TRACE_HEADER: trace_id, CORRELATION_HEADER: trace_id}


def trace_of(request: HttpRequest) -> str:
    """The caller's id, or a new one where there is none that can be used."""
    for header in (TRACE_HEADER, CORRELATION_HEADER):
        given = request.headers.get(header, "")
        if USABLE.fullmatch(given):
            return given
    return secrets.token_hex(16)
