"""The chat page: for visitors, without a key. Its messages go through `khronos/intake/chat.py`."""

import json

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language_from_request
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from khronos.channels.web_files import FILES_MAX
from khronos.desk.chat_phrases import phrases
from khronos.intake.chat import TEXT_MAX
from khronos.models import Channel

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)


@require_safe
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    language = get_language_from_request(request)
    said = phrases(language)
    context = {
        "language": language,
        "t": said,
        "examples": [said["example_1"], said["example_2"], said["example_3"]],
        "phrases": json.dumps(said),
        "text_max": TEXT_MAX,
        "files_max": FILES_MAX,
        "files_bytes": settings.WEB_FILES_MAX_BYTES,
    }
    template, status = ("desk/chat.html", 200) if is_open() else ("desk/chat_closed.html", 503)
    response = render(request, template, context, status=status)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Vary"] = "Accept-Language"
    return response


def is_open() -> bool:
    """While the database is away the page itself keeps what is written and tries again."""
    try:
        return Channel.objects.listening().filter(slug="chat", kind="web").exists()
    except DatabaseError:
        return True
