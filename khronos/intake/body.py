"""The body of a request: whole, and not too large."""

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError


def body_of(request: HttpRequest) -> bytes | None:
    """None where it is too large."""
    try:
        raw = request.body
    except RequestDataTooBig:
        return None
    if len(raw) > settings.UPDATE_MAX_BYTES:
        return None
    if len(raw) < told_length(request):
        raise UnreadablePostError("cut off")  # granian takes an early end for the end
    return raw


def told_length(request: HttpRequest) -> int:
    """0 where it came in chunks, which tell none (khronos/wsgi.py)."""
    if "HTTP_TRANSFER_ENCODING" in request.META:
        return 0
    return int(request.META.get("CONTENT_LENGTH") or 0)
