"""The chat page's own addresses: a visitor is known by a signed cookie, all else is as on the web channel."""

import json
import re
import secrets
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.utils.translation import get_language_from_request
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from khronos.channels.web_files import Unpacked
from khronos.channels.web_reading import load
from khronos.exceptions import Oversized, Refused, Unreadable
from khronos.guards.breakers import guarded
from khronos.intake.body import body_of
from khronos.intake.callers import files_wait, visitor_wait
from khronos.intake.channels import listening
from khronos.intake.reading import Cursor, newest
from khronos.intake.web import DATABASE_S, accepted, page, refusal, too_often, unavailable, within_limits
from khronos.models import conversation_id
from khronos.observability.tracing import made
from khronos.resilience.deadlines import within

SLUG = "chat"
COOKIE = "khronos_chat"
COOKIE_SALT = "khronos.chat.visitor"
COOKIE_AGE_S = 400 * 86_400  # browsers keep none longer
COOKIE_PATH = "/chat/"
TEXT_MAX = 8000  # characters
FILE_FIELDS = ("name", "media_type", "size")
CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{8,40}")


@csrf_exempt  # the same-origin check stands in for a token: a page open for weeks has no fresh one
@require_http_methods(["GET", "POST"])
def messages(request: HttpRequest) -> HttpResponse:
    try:
        return show(request) if request.method == "GET" else receive(request)
    except Http404:
        return refusal(404, "there is no channel `chat`")
    except (DatabaseError, Refused) as error:
        return unavailable(error)
    except (UnreadablePostError, RawPostDataException):
        return refusal(400, "the body was cut off")
    except Oversized as error:
        return refusal(413, str(error))
    except (Unreadable, ValueError) as error:
        return refusal(400, str(error))


def receive(request: HttpRequest) -> HttpResponse:
    if wait_s := visitor_wait(request):
        return too_often(wait_s)
    if not is_same_origin(request):
        return refusal(403, "from another site")
    if request.content_type != "application/json":
        return refusal(415, "send application/json")
    visitor = visitor_of(request)
    if visitor is None:
        return refusal(401, "no visitor's cookie; GET this address first")
    raw = body_of(request, settings.WEB_BODY_MAX_BYTES)  # a phone may send for long: no deadline yet
    if raw is None:
        return refusal(413, "too large")
    message = within_limits(raw)
    if message.files and (wait_s := files_wait(request)):
        return too_often(wait_s)
    return store(visitor, message, get_language_from_request(request))


@within(DATABASE_S)
def store(visitor: str, message: Unpacked, language: str) -> HttpResponse:
    body = load(message.raw)
    client_id, text, files = body.get("id"), body.get("text"), told_of(body.get("files"))
    if not isinstance(client_id, str) or not CLIENT_ID.fullmatch(client_id):
        return refusal(400, f"id must match {CLIENT_ID.pattern}")
    if not isinstance(text, str) or not (text.strip() or files):
        return refusal(400, "text is missing")
    if len(text) > TEXT_MAX:
        return refusal(413, f"text is longer than {TEXT_MAX} characters")
    said = message_of(visitor, client_id, text, language) | {"files": files}
    with guarded("database"):
        channel = listening(SLUG, "web")
        sent = Unpacked(json.dumps(said).encode(), message.files)
        return accepted(channel, sent, made())  # ours: a visitor must not choose another's


@within(DATABASE_S)
def show(request: HttpRequest) -> HttpResponse:
    channel = listening(SLUG, "web")
    visitor = visitor_of(request) or secrets.token_urlsafe(16)
    conversation = conversation_id(channel.pk, visitor)
    after = request.GET.get("after", "")
    response = page(conversation, Cursor.read(after) if after else newest(conversation))
    if not after:
        remember(visitor, request, response)
    return response


def message_of(visitor: str, client_id: str, text: str, language: str) -> dict[str, Any]:
    """The web channel's JSON. The visitor is part of the id: nobody can take another's."""
    sender = {"id": visitor, "name": f"Visitor {visitor[:4]}", "language": language}
    said = {"id": f"{visitor}.{client_id}", "message_id": client_id, "chat": visitor, "sender": sender}
    return said | {"type": "message", "text": text}


def told_of(files: Any) -> list[dict[str, Any]]:
    """How long a sound is costs money: that is not a visitor's to say."""
    if not isinstance(files, list):
        return []
    return [{name: file.get(name) for name in FILE_FIELDS} for file in files if isinstance(file, dict)]


def visitor_of(request: HttpRequest) -> str | None:
    visitor = request.get_signed_cookie(COOKIE, default="", salt=COOKIE_SALT, max_age=COOKIE_AGE_S)
    return visitor or None


def remember(visitor: str, request: HttpRequest, response: HttpResponse) -> None:
    response.set_signed_cookie(
        COOKIE,
        visitor,
        salt=COOKIE_SALT,
        max_age=COOKIE_AGE_S,
        path=COOKIE_PATH,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def is_same_origin(request: HttpRequest) -> bool:
    """Browsers say where a request comes from; what says nothing is no browser."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    if origin is None or origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    return urlsplit(origin).netloc == request.get_host()
