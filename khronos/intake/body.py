"""The body of a request: whole, and not too large."""

from django.http import HttpRequest
from django.http.request import UnreadablePostError


def body_of(request: HttpRequest, most_bytes: int) -> bytes | None:
    """None where it is too large."""
    if told_length(request) > most_bytes:
        return None
    raw: bytes = request.read(most_bytes + 1)
    if len(raw) > most_bytes:
        return None
    if len(raw) < told_length(request):
        raise UnreadablePostError("cut off")  # granian takes an early end for the end
    return raw


def told_length(request: HttpRequest) -> int:
    """0 where it came in chunks, which tell none (khronos/wsgi.py)."""
    if "HTTP_TRANSFER_ENCODING" in request.META:
        return 0
    return int(request.META.get("CONTENT_LENGTH") or 0)
