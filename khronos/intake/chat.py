"""The chat page's own addresses: a visitor is known by a signed cookie, all else is as on the web channel."""

import json
import re
import secrets
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.utils.translation import get_language_from_request
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from khronos.channels.web import load
from khronos.exceptions import Refused, Unreadable
from khronos.guards.breakers import guarded
from khronos.intake.body import body_of
from khronos.intake.callers import visitor_wait
from khronos.intake.channels import listening
from khronos.intake.reading import Cursor, newest
from khronos.intake.web import DATABASE_S, accepted, page, refusal, too_often, unavailable
from khronos.models import Channel, conversation_id
from khronos.resilience.deadlines import within

SLUG = "chat"
COOKIE = "khronos_chat"
COOKIE_SALT = "khronos.chat.visitor"
COOKIE_AGE_S = 400 * 86_400  # browsers keep none longer
COOKIE_PATH = "/chat/"
TEXT_MAX = 8000  # characters; the page's text area has the same
CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{8,40}")


@csrf_exempt  # the same-origin check stands in for a token: a page open for weeks has no fresh one
@require_http_methods(["GET", "POST"])
@within(DATABASE_S)
def messages(request: HttpRequest) -> HttpResponse:
    try:
        channel = listening(SLUG, "web")
        if request.method == "GET":
            return show(channel, request)
        wait_s = visitor_wait(request)
        return too_often(wait_s) if wait_s else receive(channel, request)
    except Http404:
        return refusal(404, "there is no channel `chat`")
    except (DatabaseError, Refused) as error:
        return unavailable(error)
    except (UnreadablePostError, RawPostDataException):
        return refusal(400, "the body was cut off")
    except (Unreadable, ValueError) as error:
        return refusal(400, str(error))


def receive(channel: Channel, request: HttpRequest) -> HttpResponse:
    if not is_same_origin(request):
        return refusal(403, "from another site")
    if request.content_type != "application/json":
        return refusal(415, "send application/json")
    visitor = visitor_of(request)
    if visitor is None:
        return refusal(401, "no visitor's cookie; GET this address first")
    raw = body_of(request)
    if raw is None:
        return refusal(413, "too long")
    body = load(raw)
    client_id, text = body.get("id"), body.get("text")
    if not isinstance(client_id, str) or not CLIENT_ID.fullmatch(client_id):
        return refusal(400, f"id must match {CLIENT_ID.pattern}")
    if not isinstance(text, str) or not text.strip():
        return refusal(400, "text is missing")
    if len(text) > TEXT_MAX:
        return refusal(413, f"text is longer than {TEXT_MAX} characters")
    said = message_of(visitor, client_id, text, get_language_from_request(request))
    with guarded("database"):
        return accepted(channel, said, trace_id="")  # ours: a visitor must not choose another's


def show(channel: Channel, request: HttpRequest) -> HttpResponse:
    visitor = visitor_of(request) or secrets.token_urlsafe(16)
    conversation = conversation_id(channel.pk, visitor)
    after = request.GET.get("after", "")
    response = page(conversation, Cursor.read(after) if after else newest(conversation))
    if not after:
        remember(visitor, request, response)
    return response


def message_of(visitor: str, client_id: str, text: str, language: str) -> bytes:
    """The web channel's JSON. The visitor is part of the id: nobody can take another's."""
    sender = {"id": visitor, "name": f"Visitor {visitor[:4]}", "language": language}
    said = {"id": f"{visitor}.{client_id}", "message_id": client_id, "chat": visitor, "sender": sender}
    return json.dumps(said | {"type": "message", "text": text}).encode()


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
